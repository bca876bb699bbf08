// Written by generate.ts from the OpenAPI document of a server. Not to be edited.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * ActiveCheckpoint
         * @description The checkpoint that answers, as `GET /v1/checkpoints` shows it.
         */
        ActiveCheckpoint: {
            /** Can Roll Back */
            can_roll_back: boolean;
            /** Checkpoint */
            checkpoint: string;
            /**
             * Path
             * @description The folder that it was read from; null for who may not change what is served.
             */
            path: string | null;
            /** Requests In Flight */
            requests_in_flight: number;
            /**
             * Version
             * @description Counts what was made active, from 1.
             */
            version: number;
            /**
             * Weights
             * @description A short hash of its weights.
             */
            weights: string | null;
        };
        /**
         * Annotation
         * @description A URL citation when using web search.
         */
        Annotation: {
            /**
             * Type
             * @constant
             */
            type: "url_citation";
            url_citation: components["schemas"]["openai__types__chat__chat_completion_message__AnnotationURLCitation"];
        } & {
            [key: string]: unknown;
        };
        /**
         * AnswerVotes
         * @description One of the answers that samples gave.
         */
        AnswerVotes: {
            /** Answer */
            answer: string;
            /**
             * Count
             * @description Samples that gave it.
             */
            count: number;
            /**
             * Weight
             * @description What the method ranks by: samples, sum of weights, or highest score; null where best_of_n has no score.
             */
            weight: number | null;
        };
        /**
         * Audio
         * @description Data about a previous audio response from the model.
         *     [Learn more](https://developers.openai.com/api/docs/guides/audio).
         */
        Audio: {
            /** Id */
            id: string;
        } & {
            [key: string]: unknown;
        };
        /** AudioURL */
        AudioURL: {
            /** Url */
            url: string;
        } & {
            [key: string]: unknown;
        };
        /** Author */
        Author: {
            /** Name */
            name?: string | null;
            role: components["schemas"]["Role"];
        };
        /**
         * CandidateReport
         * @description One sample, as `return_candidates` lists it.
         */
        CandidateReport: {
            /** Answer */
            answer: string | null;
            /** Completion Tokens */
            completion_tokens: number;
            /** Finish Reason */
            finish_reason: string;
            /** Index */
            index: number;
            self_reward: components["schemas"]["SelfReward"] | null;
            /** Text */
            text: string;
            /** Tool Calls */
            tool_calls: components["schemas"]["CandidateToolCall"][];
            /**
             * Vote
             * @description The place in `votes` of what it votes for; null where it votes for nothing.
             */
            vote: number | null;
        };
        /**
         * CandidateToolCall
         * @description A tool call of a candidate.
         */
        CandidateToolCall: {
            /** Arguments */
            arguments: string;
            /** Name */
            name: string;
        };
        /**
         * ChatCompletionAssistantMessageParam
         * @description Messages sent by the model in response to user messages.
         */
        "ChatCompletionAssistantMessageParam-Input": {
            audio?: components["schemas"]["Audio"] | null;
            /** Content */
            content?: string | (components["schemas"]["ChatCompletionContentPartTextParam"] | components["schemas"]["ChatCompletionContentPartRefusalParam"])[] | null;
            function_call?: components["schemas"]["FunctionCall-Input"] | null;
            /** Name */
            name?: string;
            /** Refusal */
            refusal?: string | null;
            /**
             * Role
             * @constant
             */
            role: "assistant";
            /** Tool Calls */
            tool_calls?: (components["schemas"]["ChatCompletionMessageFunctionToolCallParam"] | components["schemas"]["ChatCompletionMessageCustomToolCallParam"])[];
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionAudio
         * @description If the audio output modality is requested, this object contains data
         *     about the audio response from the model. [Learn more](https://developers.openai.com/api/docs/guides/audio).
         */
        ChatCompletionAudio: {
            /** Data */
            data: string;
            /** Expires At */
            expires_at: number;
            /** Id */
            id: string;
            /** Transcript */
            transcript: string;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartAudioEmbedsParam */
        ChatCompletionContentPartAudioEmbedsParam: {
            /** Audio Embeds */
            audio_embeds?: string | {
                [key: string]: string | (number)[];
            } | null;
            /**
             * Type
             * @constant
             */
            type: "audio_embeds";
            /** Uuid */
            uuid?: string | null;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartAudioParam */
        ChatCompletionContentPartAudioParam: {
            audio_url: components["schemas"]["AudioURL"];
            /**
             * Type
             * @constant
             */
            type: "audio_url";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartImageEmbedsParam */
        ChatCompletionContentPartImageEmbedsParam: {
            /** Image Embeds */
            image_embeds?: string | {
                [key: string]: string | (number)[];
            } | null;
            /**
             * Type
             * @constant
             */
            type: "image_embeds";
            /** Uuid */
            uuid?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionContentPartImageParam
         * @description Learn about [image inputs](https://developers.openai.com/api/docs/guides/images-vision).
         */
        ChatCompletionContentPartImageParam: {
            image_url: components["schemas"]["ImageURL"];
            prompt_cache_breakpoint?: components["schemas"]["openai__types__chat__chat_completion_content_part_image_param__PromptCacheBreakpoint"];
            /**
             * Type
             * @constant
             */
            type: "image_url";
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionContentPartInputAudioParam
         * @description Learn about [audio inputs](https://developers.openai.com/api/docs/guides/audio).
         */
        ChatCompletionContentPartInputAudioParam: {
            input_audio: components["schemas"]["InputAudio"];
            prompt_cache_breakpoint?: components["schemas"]["openai__types__chat__chat_completion_content_part_input_audio_param__PromptCacheBreakpoint"];
            /**
             * Type
             * @constant
             */
            type: "input_audio";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartPromptEmbedsParam */
        ChatCompletionContentPartPromptEmbedsParam: {
            /** Data */
            data: string;
            /**
             * Type
             * @constant
             */
            type: "prompt_embeds";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartRefusalParam */
        ChatCompletionContentPartRefusalParam: {
            /** Refusal */
            refusal: string;
            /**
             * Type
             * @constant
             */
            type: "refusal";
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionContentPartTextParam
         * @description Learn about [text inputs](https://developers.openai.com/api/docs/guides/text).
         */
        ChatCompletionContentPartTextParam: {
            prompt_cache_breakpoint?: components["schemas"]["openai__types__chat__chat_completion_content_part_text_param__PromptCacheBreakpoint"];
            /** Text */
            text: string;
            /**
             * Type
             * @constant
             */
            type: "text";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartVideoEmbedsParam */
        ChatCompletionContentPartVideoEmbedsParam: {
            /**
             * Type
             * @constant
             */
            type: "video_embeds";
            /** Uuid */
            uuid?: string | null;
            /** Video Embeds */
            video_embeds?: string | {
                [key: string]: string | (number)[];
            } | null;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionContentPartVideoParam */
        ChatCompletionContentPartVideoParam: {
            /**
             * Type
             * @constant
             */
            type: "video_url";
            video_url: components["schemas"]["VideoURL"];
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionDeveloperMessageParam
         * @description Developer-provided instructions that the model should follow, regardless of
         *     messages sent by the user. With o1 models and newer, `developer` messages
         *     replace the previous `system` messages.
         */
        ChatCompletionDeveloperMessageParam: {
            /** Content */
            content: string | components["schemas"]["ChatCompletionContentPartTextParam"][];
            /** Name */
            name?: string;
            /**
             * Role
             * @constant
             */
            role: "developer";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionFunctionMessageParam */
        ChatCompletionFunctionMessageParam: {
            /** Content */
            content: string | null;
            /** Name */
            name: string;
            /**
             * Role
             * @constant
             */
            role: "function";
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionFunctionToolParam
         * @description A function tool that can be used to generate a response.
         */
        ChatCompletionFunctionToolParam: {
            function: components["schemas"]["FunctionDefinition-Output"];
            /**
             * Type
             * @constant
             */
            type: "function";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionLogProb */
        ChatCompletionLogProb: {
            /** Bytes */
            bytes?: number[] | null;
            /**
             * Logprob
             * @default -9999
             */
            logprob: number;
            /** Token */
            token: string;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionLogProbs */
        ChatCompletionLogProbs: {
            /** Content */
            content?: components["schemas"]["ChatCompletionLogProbsContent"][] | null;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionLogProbsContent */
        ChatCompletionLogProbsContent: {
            /** Bytes */
            bytes?: number[] | null;
            /**
             * Logprob
             * @default -9999
             */
            logprob: number;
            /** Token */
            token: string;
            /** Top Logprobs */
            top_logprobs?: components["schemas"]["ChatCompletionLogProb"][];
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionMessageCustomToolCallParam
         * @description A call to a custom tool created by the model.
         */
        ChatCompletionMessageCustomToolCallParam: {
            custom: components["schemas"]["Custom"];
            /** Id */
            id: string;
            /**
             * Type
             * @constant
             */
            type: "custom";
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionMessageFunctionToolCallParam
         * @description A call to a function tool created by the model.
         */
        ChatCompletionMessageFunctionToolCallParam: {
            function: components["schemas"]["Function"];
            /** Id */
            id: string;
            /**
             * Type
             * @constant
             */
            type: "function";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionNamedFunction */
        ChatCompletionNamedFunction: {
            /** Name */
            name: string;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionNamedToolChoiceParam */
        ChatCompletionNamedToolChoiceParam: {
            function: components["schemas"]["ChatCompletionNamedFunction"];
            /**
             * Type
             * @default function
             * @constant
             */
            type?: "function";
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionSystemMessageParam
         * @description Developer-provided instructions that the model should follow, regardless of
         *     messages sent by the user. With o1 models and newer, use `developer` messages
         *     for this purpose instead.
         */
        ChatCompletionSystemMessageParam: {
            /** Content */
            content: string | components["schemas"]["ChatCompletionContentPartTextParam"][];
            /** Name */
            name?: string;
            /**
             * Role
             * @constant
             */
            role: "system";
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionToolMessageParam */
        ChatCompletionToolMessageParam: {
            /** Content */
            content: string | components["schemas"]["ChatCompletionContentPartTextParam"][];
            /**
             * Role
             * @constant
             */
            role: "tool";
            /** Tool Call Id */
            tool_call_id: string;
        } & {
            [key: string]: unknown;
        };
        /** ChatCompletionToolsParam */
        ChatCompletionToolsParam: {
            /** Defer Loading */
            defer_loading?: boolean | null;
            function: components["schemas"]["vllm__entrypoints__generate__base__protocol__FunctionDefinition"];
            /**
             * Type
             * @default function
             * @constant
             */
            type?: "function";
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatCompletionUserMessageParam
         * @description Messages sent by an end user, containing prompts or additional context
         *     information.
         */
        ChatCompletionUserMessageParam: {
            /** Content */
            content: string | (components["schemas"]["ChatCompletionContentPartTextParam"] | components["schemas"]["ChatCompletionContentPartImageParam"] | components["schemas"]["ChatCompletionContentPartInputAudioParam"] | components["schemas"]["File"])[];
            /** Name */
            name?: string;
            /**
             * Role
             * @constant
             */
            role: "user";
        } & {
            [key: string]: unknown;
        };
        /** ChatMessage */
        ChatMessage: {
            annotations?: components["schemas"]["Annotation"] | null;
            audio?: components["schemas"]["ChatCompletionAudio"] | null;
            /** Content */
            content?: string | null;
            function_call?: components["schemas"]["vllm__entrypoints__generate__base__protocol__FunctionCall"] | null;
            /** Reasoning */
            reasoning?: string | null;
            /** Refusal */
            refusal?: string | null;
            /** Role */
            role: string;
            /** Tool Calls */
            tool_calls?: components["schemas"]["ToolCall"][];
        } & {
            [key: string]: unknown;
        };
        /**
         * CheckpointsResponse
         * @description Answer of GET /v1/checkpoints.
         */
        CheckpointsResponse: {
            active: components["schemas"]["ActiveCheckpoint"];
            /**
             * Data
             * @description Loads, the newest first.
             */
            data: components["schemas"]["Job"][];
            /**
             * Object
             * @default list
             */
            object: string;
        };
        /** CompletionTokenUsageInfo */
        CompletionTokenUsageInfo: {
            /**
             * Reasoning Tokens
             * @default 0
             */
            reasoning_tokens: number;
        } & {
            [key: string]: unknown;
        };
        /**
         * Computation
         * @description The golden probes, replayed.
         */
        Computation: {
            /**
             * Largest Difference
             * @description Of log p(z_c) from training's, nats.
             * @default 0
             */
            largest_difference: number;
            /**
             * Largest Row Difference
             * @description Of a distribution from training's, nats.
             */
            largest_row_difference?: number | null;
            /**
             * Probes
             * @default 0
             */
            probes: number;
            /**
             * Reason
             * @description Why no more was shown.
             */
            reason?: string | null;
            /**
             * Rows
             * @default 0
             */
            rows: number;
            shown: components["schemas"]["ComputationShown"];
            /**
             * Tolerance
             * @description Of both, nats.
             */
            tolerance?: number | null;
        };
        /**
         * ComputationShown
         * @description What of the golden probes was replayed.
         * @enum {string}
         */
        ComputationShown: "rows" | "z_c" | "nothing";
        /**
         * Custom
         * @description The custom tool that the model called.
         */
        Custom: {
            /** Input */
            input: string;
            /** Name */
            name: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * CustomChatCompletionContentSimpleAudioParam
         * @description A simpler version of the param that only accepts a plain audio_url.
         *
         *     Example:
         *     {
         *         "audio_url": "https://example.com/audio.mp3"
         *     }
         */
        CustomChatCompletionContentSimpleAudioParam: {
            /** Audio Url */
            audio_url?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * CustomChatCompletionContentSimpleImageParam
         * @description A simpler version of the param that only accepts a plain image_url.
         *     This is supported by OpenAI API, although it is not documented.
         *
         *     Example:
         *     {
         *         "image_url": "https://example.com/image.jpg"
         *     }
         */
        CustomChatCompletionContentSimpleImageParam: {
            /** Image Url */
            image_url?: string | null;
            /** Uuid */
            uuid?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * CustomChatCompletionContentSimpleVideoParam
         * @description A simpler version of the param that only accepts a plain audio_url.
         *
         *     Example:
         *     {
         *         "video_url": "https://example.com/video.mp4"
         *     }
         */
        CustomChatCompletionContentSimpleVideoParam: {
            /** Uuid */
            uuid?: string | null;
            /** Video Url */
            video_url?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * CustomChatCompletionContentToolReferenceParam
         * @description A tool reference content param that only accepts a plain tool name.
         *
         *     Example:
         *     {
         *         "name": "get_weather",
         *         "type": "tool_reference"
         *     }
         */
        CustomChatCompletionContentToolReferenceParam: {
            /** Name */
            name?: string;
            /**
             * Type
             * @constant
             */
            type?: "tool_reference";
        } & {
            [key: string]: unknown;
        };
        /**
         * CustomChatCompletionMessageParam
         * @description Enables custom roles in the Chat Completion API.
         */
        CustomChatCompletionMessageParam: {
            /** Content */
            content?: string | (components["schemas"]["ChatCompletionContentPartTextParam"] | components["schemas"]["ChatCompletionContentPartImageParam"] | components["schemas"]["ChatCompletionContentPartInputAudioParam"] | components["schemas"]["File"] | components["schemas"]["ChatCompletionContentPartAudioParam"] | components["schemas"]["ChatCompletionContentPartVideoParam"] | components["schemas"]["ChatCompletionContentPartRefusalParam"] | components["schemas"]["CustomChatCompletionContentSimpleImageParam"] | components["schemas"]["ChatCompletionContentPartImageEmbedsParam"] | components["schemas"]["ChatCompletionContentPartAudioEmbedsParam"] | components["schemas"]["ChatCompletionContentPartVideoEmbedsParam"] | components["schemas"]["ChatCompletionContentPartPromptEmbedsParam"] | components["schemas"]["CustomChatCompletionContentSimpleAudioParam"] | components["schemas"]["CustomChatCompletionContentSimpleVideoParam"] | components["schemas"]["CustomChatCompletionContentToolReferenceParam"] | string | components["schemas"]["CustomThinkCompletionContentParam"])[];
            /** Name */
            name?: string;
            /** Reasoning */
            reasoning?: string | null;
            /** Role */
            role: string;
            /** Task */
            task?: string | null;
            /** Tool Call Id */
            tool_call_id?: string | null;
            /** Tool Calls */
            tool_calls?: components["schemas"]["ChatCompletionMessageFunctionToolCallParam"][] | null;
            /** Tools */
            tools?: components["schemas"]["ChatCompletionFunctionToolParam"][] | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * CustomThinkCompletionContentParam
         * @description A Think Completion Content Param that accepts a plain text and a boolean.
         *
         *     Example:
         *     {
         *         "thinking": "I am thinking about the answer",
         *         "closed": True,
         *         "type": "thinking"
         *     }
         */
        CustomThinkCompletionContentParam: {
            /** Closed */
            closed?: boolean;
            /** Thinking */
            thinking: string;
            /**
             * Type
             * @constant
             */
            type: "thinking";
        } & {
            [key: string]: unknown;
        };
        /**
         * Decision
         * @description What became of a request.
         * @enum {string}
         */
        Decision: "answered" | "abstained" | "escalated";
        /**
         * Document
         * @description A candidate answer.
         */
        Document: {
            /** Text */
            text: string;
        };
        /**
         * File
         * @description Learn about [file inputs](https://developers.openai.com/api/docs/guides/text) for text generation.
         */
        File: {
            file: components["schemas"]["FileFile"];
            prompt_cache_breakpoint?: components["schemas"]["FilePromptCacheBreakpoint"];
            /**
             * Type
             * @constant
             */
            type: "file";
        } & {
            [key: string]: unknown;
        };
        /** FileFile */
        FileFile: {
            /** File Data */
            file_data?: string;
            /** File Id */
            file_id?: string;
            /** Filename */
            filename?: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * FilePromptCacheBreakpoint
         * @description Marks the exact end of a reusable prompt prefix.
         *
         *     When `ttl` is omitted, the breakpoint inherits the request's `prompt_cache_options.ttl`; the boundary is not rounded to a token block.
         */
        FilePromptCacheBreakpoint: {
            /**
             * Mode
             * @constant
             */
            mode: "explicit";
            /**
             * Ttl
             * @enum {string}
             */
            ttl?: "30m" | "12h";
        } & {
            [key: string]: unknown;
        };
        /**
         * FilesShown
         * @description How the files are known to be those that were written.
         * @enum {string}
         */
        FilesShown: "hashes" | "signature" | "nothing";
        /**
         * Function
         * @description The function that the model called.
         */
        Function: {
            /** Arguments */
            arguments: string;
            /** Name */
            name: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * FunctionCall
         * @description Deprecated and replaced by `tool_calls`.
         *
         *     The name and arguments of a function that should be called, as generated by the model.
         */
        "FunctionCall-Input": {
            /** Arguments */
            arguments: string;
            /** Name */
            name: string;
        } & {
            [key: string]: unknown;
        };
        /** FunctionDefinition */
        "FunctionDefinition-Output": {
            /** Description */
            description?: string;
            /** Name */
            name: string;
            /** Parameters */
            parameters?: {
                [key: string]: unknown;
            };
            /** Strict */
            strict?: boolean | null;
        } & {
            [key: string]: unknown;
        };
        /** ImageURL */
        ImageURL: {
            /**
             * Detail
             * @enum {string}
             */
            detail?: "auto" | "low" | "high" | "original";
            /** Url */
            url: string;
        } & {
            [key: string]: unknown;
        };
        /** InputAudio */
        InputAudio: {
            /** Data */
            data: string;
            /**
             * Format
             * @enum {string}
             */
            format: "wav" | "mp3";
        } & {
            [key: string]: unknown;
        };
        /**
         * Job
         * @description One load, as `GET /v1/checkpoints` shows it.
         */
        Job: {
            /**
             * Asked By
             * @description The id of the key that asked for it; null where none was asked for, and for who may not change what is served.
             */
            asked_by?: string | null;
            /**
             * Checkpoint
             * @description Its name; null until its manifest has been read.
             */
            checkpoint?: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Ended At */
            ended_at?: string | null;
            /**
             * Force
             * @description Whether a load in place ends what still runs at the end of --load-patience.
             * @default false
             */
            force: boolean;
            /** Id */
            id: string;
            /**
             * Origin
             * @description request, watch, or rollback.
             */
            origin: string;
            /**
             * Path
             * @description The folder that was named, or that a rollback goes back to; null for who may not change what is served.
             */
            path: string | null;
            /** @description What was shown of it; null until it was proven. */
            proof?: components["schemas"]["Proof"] | null;
            /**
             * Reason
             * @description Why it was rejected.
             */
            reason?: string | null;
            /**
             * Seconds
             * @description How long each phase took, in seconds.
             */
            seconds?: {
                [key: string]: number;
            };
            /** @default queued */
            state: components["schemas"]["State"];
            /** @description As asked for: auto, side_by_side, in_place. */
            strategy: components["schemas"]["Strategy"];
            /**
             * Version
             * @description Counts what was made active.
             */
            version?: number | null;
            /**
             * Weights
             * @description A short hash of its weights; null until they have been read.
             */
            weights?: string | null;
        };
        /** JsonSchemaResponseFormat */
        JsonSchemaResponseFormat: {
            /** Description */
            description?: string | null;
            /** Name */
            name: string;
            /** Schema */
            schema?: {
                [key: string]: unknown;
            } | null;
            /** Strict */
            strict?: boolean | null;
        } & {
            [key: string]: unknown;
        };
        /** LegacyStructuralTag */
        LegacyStructuralTag: {
            /** Begin */
            begin: string;
            /** End */
            end: string;
            /** Schema */
            schema?: {
                [key: string]: unknown;
            } | null;
        } & {
            [key: string]: unknown;
        };
        /** LegacyStructuralTagResponseFormat */
        LegacyStructuralTagResponseFormat: {
            /** Structures */
            structures: components["schemas"]["LegacyStructuralTag"][];
            /** Triggers */
            triggers: string[];
            /**
             * Type
             * @constant
             */
            type: "structural_tag";
        } & {
            [key: string]: unknown;
        };
        /**
         * Method
         * @description How the log-probability was read.
         * @enum {string}
         */
        Method: "in_flight" | "post_hoc";
        /**
         * PromptCacheBreakpoint
         * @description Marks the exact end of a reusable prompt prefix.
         *
         *     When `ttl` is omitted, the breakpoint inherits the request's `prompt_cache_options.ttl`; the boundary is not rounded to a token block.
         */
        openai__types__chat__chat_completion_content_part_image_param__PromptCacheBreakpoint: {
            /**
             * Mode
             * @constant
             */
            mode: "explicit";
            /**
             * Ttl
             * @enum {string}
             */
            ttl?: "30m" | "12h";
        } & {
            [key: string]: unknown;
        };
        /**
         * PromptCacheBreakpoint
         * @description Marks the exact end of a reusable prompt prefix.
         *
         *     When `ttl` is omitted, the breakpoint inherits the request's `prompt_cache_options.ttl`; the boundary is not rounded to a token block.
         */
        openai__types__chat__chat_completion_content_part_input_audio_param__PromptCacheBreakpoint: {
            /**
             * Mode
             * @constant
             */
            mode: "explicit";
            /**
             * Ttl
             * @enum {string}
             */
            ttl?: "30m" | "12h";
        } & {
            [key: string]: unknown;
        };
        /**
         * PromptCacheBreakpoint
         * @description Marks the exact end of a reusable prompt prefix.
         *
         *     When `ttl` is omitted, the breakpoint inherits the request's `prompt_cache_options.ttl`; the boundary is not rounded to a token block.
         */
        openai__types__chat__chat_completion_content_part_text_param__PromptCacheBreakpoint: {
            /**
             * Mode
             * @constant
             */
            mode: "explicit";
            /**
             * Ttl
             * @enum {string}
             */
            ttl?: "30m" | "12h";
        } & {
            [key: string]: unknown;
        };
        /**
         * AnnotationURLCitation
         * @description A URL citation when using web search.
         */
        openai__types__chat__chat_completion_message__AnnotationURLCitation: {
            /** End Index */
            end_index: number;
            /** Start Index */
            start_index: number;
            /** Title */
            title: string;
            /** Url */
            url: string;
        } & {
            [key: string]: unknown;
        };
        /** Content */
        openai_harmony__Content: Record<string, never>;
        /** Message */
        openai_harmony__Message: {
            author: components["schemas"]["Author"];
            /** Channel */
            channel?: string | null;
            /** Content */
            content?: components["schemas"]["openai_harmony__Content"][];
            /** Content Type */
            content_type?: string | null;
            /** Recipient */
            recipient?: string | null;
        };
        /** PerRequestMetrics */
        PerRequestMetrics: {
            /** Generation Time Ms */
            generation_time_ms?: number | null;
            /** Mean Itl Ms */
            mean_itl_ms?: number | null;
            /** Queue Time Ms */
            queue_time_ms?: number | null;
            speculative_decoding?: components["schemas"]["SpeculativeDecodingMetrics"] | null;
            /** Time To First Token Ms */
            time_to_first_token_ms?: number | null;
            /** Tokens Per Second */
            tokens_per_second?: number | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * PromptForm
         * @description How the prompt of a given text became the model's input.
         * @enum {string}
         */
        PromptForm: "chat_template" | "raw_text" | "token_ids";
        /** PromptTokenUsageInfo */
        PromptTokenUsageInfo: {
            /** Cached Tokens */
            cached_tokens?: number | null;
            /** Created Cache Tokens */
            created_cache_tokens?: number | null;
            /** Multimodal Tokens */
            multimodal_tokens?: {
                [key: string]: number;
            } | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Proof
         * @description The three promises of one load.
         */
        Proof: {
            computation: components["schemas"]["Computation"];
            files: components["schemas"]["FilesShown"];
            weights: components["schemas"]["Weights-Output"];
        };
        /**
         * RepetitionDetectionParams
         * @description Parameters for detecting repetitive N-gram patterns in output tokens.
         */
        RepetitionDetectionParams: {
            /**
             * Max Pattern Size
             * @default 0
             */
            max_pattern_size?: number;
            /**
             * Min Count
             * @default 0
             */
            min_count?: number;
            /**
             * Min Pattern Size
             * @default 0
             */
            min_pattern_size?: number;
        };
        /**
         * RerankRequest
         * @description Body of POST /v1/rerank, /v2/rerank and /rerank.
         */
        RerankRequest: {
            /** Cache Salt */
            cache_salt?: string | null;
            /** Chat Template Kwargs */
            chat_template_kwargs?: {
                [key: string]: unknown;
            } | null;
            /**
             * Documents
             * @description Candidate answers to it.
             */
            documents: (string | components["schemas"]["Document"])[];
            /**
             * Messages
             * @description A conversation, as in /v1/chat/completions.
             */
            messages?: {
                [key: string]: unknown;
            }[] | null;
            /** Model */
            model?: string | null;
            /**
             * Priority
             * @default 0
             */
            priority?: number;
            /**
             * Query
             * @description The user's question.
             */
            query?: string | null;
            /** Reasoning Effort */
            reasoning_effort?: string | null;
            /**
             * Return Documents
             * @default true
             */
            return_documents?: boolean;
            /** Tool Choice */
            tool_choice?: string | {
                [key: string]: unknown;
            } | null;
            /** Tools */
            tools?: {
                [key: string]: unknown;
            }[] | null;
            /**
             * Top N
             * @description How many of the best are answered; null is all.
             */
            top_n?: number | null;
        };
        /**
         * RerankResponse
         * @description Answer of the rerank routes: best first, ties by index, what has no score last.
         */
        RerankResponse: {
            /** Id */
            id: string;
            /** Model */
            model: string;
            /** Results */
            results: components["schemas"]["RerankResult"][];
            usage: components["schemas"]["RerankUsage"];
        };
        /**
         * RerankResult
         * @description One document; `document` is left out where the request said `return_documents: false`.
         */
        RerankResult: {
            document?: components["schemas"]["Document"] | null;
            /** Index */
            index: number;
            /**
             * Relevance Score
             * @description The self-reward score; null where `self_reward.status` says why not.
             */
            relevance_score: number | null;
            self_reward: components["schemas"]["SelfReward"];
        };
        /**
         * RerankUsage
         * @description Tokens that were read: for each document its prompt, itself and its EOS.
         */
        RerankUsage: {
            /** Total Tokens */
            total_tokens: number;
        };
        /** ResponseFormat */
        ResponseFormat: {
            json_schema?: components["schemas"]["JsonSchemaResponseFormat"] | null;
            /**
             * Type
             * @enum {string}
             */
            type: "text" | "json_object" | "json_schema";
        } & {
            [key: string]: unknown;
        };
        /**
         * RiskReport
         * @description The bound that `max_risk` was asked for with, and what it rests on.
         */
        RiskReport: {
            /**
             * Answered
             * @description How many of them would have been answered.
             */
            answered: number;
            /** Delta */
            delta: number;
            /** Max Risk */
            max_risk: number;
            /**
             * Min Score
             * @description Self-reward score from which on it is answered.
             */
            min_score: number;
            /**
             * Problems
             * @description Problems of the checkpoint's judged samples.
             */
            problems: number;
            /**
             * Wrong
             * @description How many of those wrongly.
             */
            wrong: number;
        };
        /**
         * Role
         * @description The role of a message author (mirrors ``chat::Role``).
         * @enum {string}
         */
        Role: "user" | "assistant" | "system" | "developer" | "tool";
        /**
         * ScoredChatCompletionChoice
         * @description One choice of a chat completion, with its self-reward.
         */
        ScoredChatCompletionChoice: {
            /**
             * Finish Reason
             * @default stop
             */
            finish_reason: string | null;
            /** Index */
            index: number;
            logprobs?: components["schemas"]["ChatCompletionLogProbs"] | null;
            message: components["schemas"]["ChatMessage"];
            /** Routed Experts */
            routed_experts?: string | null;
            /** @description The model's own verdict; left out where the request said `self_reward: false`. */
            self_reward?: components["schemas"]["SelfReward"] | null;
            /** Stop Reason */
            stop_reason?: number | string | null;
            /** Token Ids */
            token_ids?: number[] | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * ScoredChatCompletionRequest
         * @description Body of POST /v1/chat/completions.
         */
        ScoredChatCompletionRequest: {
            /**
             * Add Generation Prompt
             * @description If true, the generation prompt will be added to the chat template. This is a parameter used by chat template in tokenizer config of the model.
             * @default true
             */
            add_generation_prompt?: boolean;
            /**
             * Add Special Tokens
             * @description If true, special tokens (e.g. BOS) will be added to the prompt on top of what is added by the chat template. For most models, the chat template takes care of adding the special tokens so this should be set to false (as is the default).
             * @default false
             */
            add_special_tokens?: boolean;
            /** Allowed Token Ids */
            allowed_token_ids?: number[] | null;
            /** Bad Words */
            bad_words?: string[];
            /**
             * Cache Salt
             * @description If specified, the prefix cache will be salted with the provided string to prevent an attacker to guess prompts in multi-user environments. The salt should be random, protected from access by 3rd parties, and long enough to be unpredictable (e.g., 43 characters base64-encoded, corresponding to 256 bit).
             */
            cache_salt?: string | null;
            /**
             * Chat Template
             * @description A Jinja template to use for this conversion. As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.
             */
            chat_template?: string | null;
            /**
             * Chat Template Kwargs
             * @description Additional keyword args to pass to the template renderer. Will be accessible by the chat template.
             */
            chat_template_kwargs?: {
                [key: string]: unknown;
            } | null;
            /**
             * Continue Final Message
             * @description If this is set, the chat will be formatted so that the final message in the chat is open-ended, without any EOS tokens. The model will continue this message rather than starting a new one. This allows you to "prefill" part of the model's response for it. Cannot be used at the same time as `add_generation_prompt`.
             * @default false
             */
            continue_final_message?: boolean;
            /**
             * Documents
             * @description A list of dicts representing documents that will be accessible to the model if it is performing RAG (retrieval-augmented generation). If the template does not support RAG, this argument will have no effect. We recommend that each document should be a dict containing "title" and "text" keys.
             */
            documents?: {
                [key: string]: string;
            }[] | null;
            /**
             * Ec Transfer Params
             * @description ECTransfer parameters used for encoder-cache disaggregated serving.
             */
            ec_transfer_params?: {
                [key: string]: unknown;
            } | null;
            /**
             * Echo
             * @description If true, the new message will be prepended with the last message if they belong to the same role.
             * @default false
             */
            echo?: boolean;
            /** Frequency Penalty */
            frequency_penalty?: number | null;
            /**
             * Ignore Eos
             * @default false
             */
            ignore_eos?: boolean;
            /**
             * Include Reasoning
             * @default true
             */
            include_reasoning?: boolean;
            /**
             * Include Stop Str In Output
             * @default false
             */
            include_stop_str_in_output?: boolean;
            /**
             * Kv Transfer Params
             * @description KVTransfer parameters used for disaggregated serving.
             */
            kv_transfer_params?: {
                [key: string]: unknown;
            } | null;
            /**
             * Length Penalty
             * @default 1
             */
            length_penalty?: number;
            /** Logit Bias */
            logit_bias?: {
                [key: string]: number;
            } | null;
            /**
             * Logprob Token Ids
             * @description Specific vocab token IDs to return logprobs for at each generated position, in addition to the sampled token. More efficient than `top_logprobs=-1` when only a small fixed label set is needed (e.g. multilabel scoring where each label corresponds to a known vocab id). When set, this explicit token selection takes precedence over the natural top-k selected by `top_logprobs`. Requires `logprobs=True`.
             */
            logprob_token_ids?: number[] | null;
            /**
             * Logprobs
             * @default false
             */
            logprobs?: boolean | null;
            /** Max Completion Tokens */
            max_completion_tokens?: number | null;
            /**
             * Max Tokens
             * @deprecated
             */
            max_tokens?: number | null;
            /**
             * Media Io Kwargs
             * @description Additional kwargs to pass to the media IO connectors, keyed by modality. Merged with engine-level media_io_kwargs.
             */
            media_io_kwargs?: {
                [key: string]: {
                    [key: string]: unknown;
                };
            } | null;
            /** Messages */
            messages: (components["schemas"]["ChatCompletionDeveloperMessageParam"] | components["schemas"]["ChatCompletionSystemMessageParam"] | components["schemas"]["ChatCompletionUserMessageParam"] | components["schemas"]["ChatCompletionAssistantMessageParam-Input"] | components["schemas"]["ChatCompletionToolMessageParam"] | components["schemas"]["ChatCompletionFunctionMessageParam"] | components["schemas"]["CustomChatCompletionMessageParam"] | components["schemas"]["openai_harmony__Message"])[];
            /** Min P */
            min_p?: number | null;
            /**
             * Min Tokens
             * @default 0
             */
            min_tokens?: number;
            /**
             * Mm Payload
             * @description What the render response's `features` carry for multimodal items. 'tensors' serializes the processed tensors into `kwargs_data` and `mm_metadata`. 'none' sets both to null for callers that need only the token layout and item hashes, such as cache-aware routers. Do not send a 'none' response to `/inference/v1/generate` which reads a null `kwargs_data` as every item being cached. Only supported on the render endpoints. Ignored on regular generation endpoints.
             * @default tensors
             * @enum {string}
             */
            mm_payload?: "tensors" | "none";
            /**
             * Mm Processor Kwargs
             * @description Additional kwargs to pass to the HF processor.
             */
            mm_processor_kwargs?: {
                [key: string]: unknown;
            } | null;
            /** Model */
            model?: string | null;
            /**
             * N
             * @default 1
             */
            n?: number | null;
            /**
             * Parallel Tool Calls
             * @default true
             */
            parallel_tool_calls?: boolean | null;
            /** Presence Penalty */
            presence_penalty?: number | null;
            /**
             * Priority
             * @description The priority of the request (lower means earlier handling; default: 0). Any priority other than 0 will raise an error if the served model does not use priority scheduling.
             * @default 0
             */
            priority?: number;
            /** Prompt Logprobs */
            prompt_logprobs?: number | null;
            /**
             * Reasoning Effort
             * @description Constrains effort on reasoning for reasoning models. Currently supported values are none, minimal, low, medium, high, xhigh, and max. Reducing reasoning effort can result in faster responses and fewer tokens used on reasoning in a response. Note that 'max' is specific to the DeepSeek V4 series and is not part of the standard OpenAI API specification.
             */
            reasoning_effort?: ("none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max") | null;
            /** @description Parameters for detecting repetitive N-gram patterns in output tokens. If such repetition is detected, generation will be ended early. LLMs can sometimes generate repetitive, unhelpful token patterns, stopping only when they hit the maximum output length (e.g. 'abcdabcdabcd...' or '\emoji \emoji \emoji ...'). This feature can detect such behavior and terminate early, saving time and tokens. */
            repetition_detection?: components["schemas"]["RepetitionDetectionParams"] | null;
            /** Repetition Penalty */
            repetition_penalty?: number | null;
            /**
             * Request Id
             * @description The request_id related to this request. If the caller does not set it, a random_uuid will be generated. This id is used through out the inference process and return in response.
             */
            request_id?: string;
            /** Response Format */
            response_format?: components["schemas"]["ResponseFormat"] | components["schemas"]["StructuralTagResponseFormat"] | components["schemas"]["LegacyStructuralTagResponseFormat"] | null;
            /**
             * Return Mm Kwargs
             * @deprecated
             * @description Deprecated alias: false is the same as `mm_payload='none'`. Ignored when `mm_payload` is set.
             */
            return_mm_kwargs?: boolean | null;
            /**
             * Return Prompt Text
             * @description If true, the response will include ``prompt_text`` containing the prompt string produced by chat templating. In streaming mode it is sent only on the first chunk. This is useful for inspecting exactly what was fed into the model.
             */
            return_prompt_text?: boolean | null;
            /**
             * Return Token Ids
             * @description If specified, the result will include token IDs alongside the generated text. In streaming mode, prompt_token_ids is included only in the first chunk, and token_ids contains the delta tokens for each chunk. This is useful for debugging or when you need to map generated text back to input tokens.
             */
            return_token_ids?: boolean | null;
            /**
             * Return Token Offsets
             * @description If true, return char-level (start, end) offsets for each token relative to the tokenized source string in the `token_offsets` field of the rendered response. Only supported on the `/v1/completions/render` and `/v1/chat/completions/render` endpoints; ignored on regular generation endpoints. Honored only for Fast (Rust-backed) tokenizers; otherwise `token_offsets` is null. For chat requests, offsets are relative to the templated prompt string (after applying the chat template). Multimodal inputs and pre-tokenized inputs always yield null.
             * @default false
             */
            return_token_offsets?: boolean | null;
            /**
             * Return Tokens As Token Ids
             * @description If specified with 'logprobs', tokens are represented  as strings of the form 'token_id:{token_id}' so that tokens that are not JSON-encodable can be identified.
             */
            return_tokens_as_token_ids?: boolean | null;
            /**
             * Routed Experts Prompt Start
             * @description Skip the first N prompt tokens from returned routed-expert data.
             * @default 0
             */
            routed_experts_prompt_start?: number;
            /** Seed */
            seed?: number | null;
            /** @description Draw several samples and answer with one of them. null: one sample. An option that is null has its default. */
            selection?: components["schemas"]["SelectionOptions"] | null;
            /**
             * Self Reward
             * @description Whether to answer with the model's own score of each completion. False is plain vLLM, at no cost.
             * @default true
             */
            self_reward?: boolean;
            /**
             * Session Id
             * @description Stable session identity shared by related requests. Unlike request_id, this value is expected to remain stable across multiple requests in the same conversation or agent session.
             */
            session_id?: string | null;
            /**
             * Skip Special Tokens
             * @default true
             */
            skip_special_tokens?: boolean;
            /**
             * Spaces Between Special Tokens
             * @default true
             */
            spaces_between_special_tokens?: boolean;
            /**
             * Stop
             * @default []
             */
            stop?: string | string[] | null;
            /**
             * Stop Token Ids
             * @default []
             */
            stop_token_ids?: number[] | null;
            /**
             * Stream
             * @default false
             */
            stream?: boolean | null;
            /**
             * Stream Interval
             * @description Number of tokens to batch into each streamed chunk. Raises the server's `--stream-interval` for this request. Values below the server setting are clamped up to it. The first and last chunks are always sent immediately. Ignored for non-streaming requests.
             */
            stream_interval?: number | null;
            stream_options?: components["schemas"]["StreamOptions"] | null;
            /** @description Additional kwargs for structured outputs */
            structured_outputs?: components["schemas"]["StructuredOutputsParams"] | null;
            /** Temperature */
            temperature?: number | null;
            /** Thinking Token Budget */
            thinking_token_budget?: number | null;
            /**
             * Tool Choice
             * @default none
             */
            tool_choice?: "none" | "auto" | "required" | components["schemas"]["ChatCompletionNamedToolChoiceParam"] | null;
            /** Tools */
            tools?: components["schemas"]["ChatCompletionToolsParam"][] | null;
            /** Top K */
            top_k?: number | null;
            /**
             * Top Logprobs
             * @default 0
             */
            top_logprobs?: number | null;
            /** Top P */
            top_p?: number | null;
            /** Truncate Prompt Tokens */
            truncate_prompt_tokens?: number | null;
            /**
             * Truncation Side
             * @description Which side to truncate from when truncate_prompt_tokens is active. 'right' keeps the first N tokens. 'left' keeps the last N tokens.
             */
            truncation_side?: ("left" | "right") | null;
            /**
             * Use Beam Search
             * @default false
             */
            use_beam_search?: boolean;
            /** User */
            user?: string | null;
            /**
             * Vllm Xargs
             * @description Additional request parameters with (list of) string or numeric values, used by custom extensions.
             */
            vllm_xargs?: {
                [key: string]: string | number | (string | number)[];
            } | null;
            /** Watermarking */
            watermarking?: boolean | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * ScoredChatCompletionResponse
         * @description Answer of POST /v1/chat/completions.
         */
        ScoredChatCompletionResponse: {
            /** Choices */
            choices: components["schemas"]["ScoredChatCompletionChoice"][];
            /** Created */
            created?: number;
            /**
             * Ec Transfer Params
             * @description ECTransfer parameters.
             */
            ec_transfer_params?: {
                [key: string]: unknown;
            } | null;
            /** Id */
            id?: string;
            /**
             * Kv Transfer Params
             * @description KVTransfer parameters.
             */
            kv_transfer_params?: {
                [key: string]: unknown;
            } | null;
            metrics?: components["schemas"]["PerRequestMetrics"] | null;
            /** Model */
            model: string;
            /**
             * Object
             * @default chat.completion
             * @constant
             */
            object: "chat.completion";
            /** Prompt Logprobs */
            prompt_logprobs?: ({
                [key: string]: components["schemas"]["vllm__logprobs__Logprob"];
            } | null)[] | null;
            /** Prompt Text */
            prompt_text?: string | null;
            /** Prompt Token Ids */
            prompt_token_ids?: number[] | null;
            /** @description How the answer was chosen, where the request asked for that. */
            selection?: components["schemas"]["SelectionOutcome"] | null;
            /** Service Tier */
            service_tier?: ("auto" | "default" | "flex" | "scale" | "priority") | null;
            /** System Fingerprint */
            system_fingerprint?: string | null;
            usage: components["schemas"]["UsageInfo"];
        } & {
            [key: string]: unknown;
        };
        /**
         * SelectionMethod
         * @description How one of N samples is chosen; `voting` defines each.
         * @enum {string}
         */
        SelectionMethod: "majority" | "weighted_majority" | "best_of_n";
        /**
         * SelectionOptions
         * @description Draw up to `n_max` samples of one prompt and answer with one of them.
         */
        SelectionOptions: {
            /**
             * Adaptive
             * @description Stop when the samples to come cannot change the answer. False draws n_max samples unless another limit is met.
             * @default true
             */
            adaptive?: boolean;
            /**
             * Answer
             * @description The answer that a sample votes for: text (all of it), boxed, last_number, choice, regex:PATTERN (RE2), json:PATH (RFC 9535, one value), tool_call, tool_name, or plugin:NAME. A sample without one votes for nothing; where no sample has one, the response says `abstained`.
             * @default text
             */
            answer?: string;
            /**
             * Delta
             * @description Of max_risk: how probable it is at most, over the choice of those samples, that the bound does not hold.
             * @default 0.1
             */
            delta?: number;
            /**
             * Equality
             * @description When two answers are the same: where their texts are, but for white space and marks around them (string), or what they say as mathematics (math).
             * @default string
             * @enum {string}
             */
            equality?: "string" | "math";
            /**
             * Escalate
             * @description Whether an abstained request may be forwarded to the server's upstream, where it has one.
             * @default true
             */
            escalate?: boolean;
            /**
             * Max Risk
             * @description Abstain where the answer's score is below the least one at which, of what is answered, this share is wrong at most. Bounded from the checkpoint's judged samples for this method, n_max, stopping rule, answer and temperature; refused where they cannot. Samples are counted in the order in which they are drawn. With n_max 1 it is the bound of single answers.
             */
            max_risk?: number | null;
            /**
             * Max Total Tokens
             * @description Completion tokens of all samples after which no more are drawn and the running ones are cancelled.
             */
            max_total_tokens?: number | null;
            /**
             * @description majority: the answer that most samples give. weighted_majority: the answer whose samples have the largest sum of weights. best_of_n: the sample with the highest self-reward score. Ties go to the answer of more samples, then to the smaller SHA-256 of the request's seed and the answer. Votes without a score, such as those of samples that a stop string ended, weigh nothing; where none has one, the majority chooses, and the response says so in `applied_method`.
             * @default weighted_majority
             */
            method?: components["schemas"]["SelectionMethod"];
            /**
             * Min Confidence
             * @description Stop when the leading answer's confidence reaches this; where it never does, the response says `abstained`. Needs a checkpoint with a calibration.
             */
            min_confidence?: number | null;
            /**
             * N Max
             * @description The most samples to draw. One is drawn where every other would be the same: at temperature 0, with top_k 1.
             * @default 8
             */
            n_max?: number;
            /**
             * N Parallel
             * @description Samples in flight at a time. Each that ends decides whether another one starts: 1 spends the fewest tokens, n_max (all at once) the least time.
             * @default 4
             */
            n_parallel?: number | null;
            /**
             * Posterior
             * @description Stop when the posterior probability that the leading answer beats the next one, were sampling to go on for ever, is at least this.
             */
            posterior?: number | null;
            /**
             * Return Candidates
             * @description Whether the response lists every sample.
             * @default false
             */
            return_candidates?: boolean;
            /**
             * Timeout S
             * @description Seconds after which the same happens.
             */
            timeout_s?: number | null;
            /**
             * @description Of weighted_majority.
             * @default score
             */
            weights?: components["schemas"]["Weights-Input"];
        };
        /**
         * SelectionOutcome
         * @description How the answer was chosen.
         */
        SelectionOutcome: {
            /**
             * Abstained
             * @description Whether the answer is not vouched for: no sample gave one, its confidence stayed under `min_confidence`, or its score under that of `max_risk`.
             */
            abstained: boolean;
            /**
             * Answer
             * @description The winning answer; null where no sample gave one.
             */
            answer: string | null;
            /** @description The method that chose. `majority` in place of one that ranks by scores where no vote has a score; null where no sample has a vote. */
            applied_method: components["schemas"]["SelectionMethod"] | null;
            /** Candidates */
            candidates?: components["schemas"]["CandidateReport"][] | null;
            /**
             * Completion Tokens
             * @description Of all samples, cancelled ones included.
             */
            completion_tokens: number;
            /**
             * Confidence
             * @description Calibrated probability that it is correct: the mean over its samples, for best_of_n that of the winner; null without a calibration.
             */
            confidence: number | null;
            /** @description answered, or abstained; escalated where the answer is the upstream's. */
            decision: components["schemas"]["Decision"];
            /**
             * Equality Timeouts
             * @description Answers that `math` took too long for: they were compared by `string` instead.
             */
            equality_timeouts: number;
            /** @description As the request asks. */
            method: components["schemas"]["SelectionMethod"];
            /** @description Where `max_risk` was asked for: what bounds it. */
            risk?: components["schemas"]["RiskReport"] | null;
            /**
             * Samples Used
             * @description Samples started: one where every other would be the same (temperature 0, top_k 1), which `stop_cause` then says.
             */
            samples_used: number;
            /**
             * Score
             * @description Self-reward score of the answer, of the same samples as the confidence; null where none has one.
             */
            score: number | null;
            /**
             * Selected Index
             * @description Number of the sample that is the choice.
             */
            selected_index: number;
            stop_cause: components["schemas"]["StopCause"];
            /**
             * Unscored
             * @description Votes without a score, by why they have none. A method that ranks by scores gives them no weight.
             */
            unscored: {
                [key: string]: number;
            };
            unvoted: components["schemas"]["Unvoted"];
            upstream?: components["schemas"]["UpstreamReport"] | null;
            /**
             * Votes
             * @description Every answer, the winner first.
             */
            votes: components["schemas"]["AnswerVotes"][];
        };
        /**
         * SelfReward
         * @description A model's own verdict on one completion that it wrote.
         *
         *     `score` and `logprob` are numbers exactly where `status` is `scored`, else null.
         */
        SelfReward: {
            /**
             * Checkpoint
             * @description The name of the checkpoint that wrote and scored.
             */
            checkpoint: string;
            /**
             * Checkpoint Version
             * @description Which of the checkpoints that were made active, from 1: they may share a name. Null without a server.
             */
            checkpoint_version?: number | null;
            /**
             * Confidence
             * @description Calibrated probability that the completion is correct; null where the checkpoint carries no calibration.
             */
            confidence?: number | null;
            /**
             * Logprob
             * @description Natural log-probability of z_c right after the completion's EOS.
             */
            logprob: number | null;
            /** @description How the log-probability was read; null where it was not. */
            method: components["schemas"]["Method"] | null;
            /**
             * Score
             * @description The self-reward score beta_v * (logprob - c_ref); unbounded below.
             */
            score: number | null;
            status: components["schemas"]["Status"];
            /**
             * Weights
             * @description A short hash of its weights; null where no manifest states their files.
             */
            weights?: string | null;
        };
        /**
         * SelfRewardItem
         * @description The self-reward of one completion.
         */
        SelfRewardItem: {
            /** Index */
            index: number;
            /**
             * Object
             * @default self_reward
             * @constant
             */
            object: "self_reward";
            self_reward: components["schemas"]["SelfReward"];
        };
        /**
         * SelfRewardRequest
         * @description Body of POST /v1/self_reward.
         */
        SelfRewardRequest: {
            /** Cache Salt */
            cache_salt?: string | null;
            /** Chat Template Kwargs */
            chat_template_kwargs?: {
                [key: string]: unknown;
            } | null;
            /**
             * Completion
             * @description What is scored, as the model would have written it: with the marks of its reasoning and tool calls. It is followed by the model's EOS; an empty one is the EOS alone.
             */
            completion?: string | string[] | null;
            /**
             * Completion Token Ids
             * @description The same as token ids, each ending with an EOS.
             */
            completion_token_ids?: number[] | number[][] | null;
            /**
             * Messages
             * @description A conversation, as in /v1/chat/completions.
             */
            messages?: {
                [key: string]: unknown;
            }[] | null;
            /** Model */
            model?: string | null;
            /**
             * Priority
             * @default 0
             */
            priority?: number;
            /**
             * Prompt
             * @description A prompt as in /v1/completions: raw text, which no chat template is put around. A conversation goes into `messages`; `prompt_form` in the answer says which it was.
             */
            prompt?: string | null;
            /** Prompt Token Ids */
            prompt_token_ids?: number[] | null;
            /** Reasoning Effort */
            reasoning_effort?: string | null;
            /** Tool Choice */
            tool_choice?: string | {
                [key: string]: unknown;
            } | null;
            /** Tools */
            tools?: {
                [key: string]: unknown;
            }[] | null;
        };
        /**
         * SelfRewardResponse
         * @description Answer of POST /v1/self_reward, in the order of the completions.
         */
        SelfRewardResponse: {
            /** Data */
            data: components["schemas"]["SelfRewardItem"][];
            /** Id */
            id: string;
            /** Model */
            model: string;
            /**
             * Object
             * @default list
             * @constant
             */
            object: "list";
            /** @description What the completions were scored after: `messages` through the chat_template, `prompt` as raw_text, or token_ids. */
            prompt_form: components["schemas"]["PromptForm"];
            usage: components["schemas"]["SelfRewardUsage"];
            /**
             * Warning
             * @description Where the prompt was raw text, and the model is one that answers conversations: the scores are of another prompt than its chat template makes.
             */
            warning?: string | null;
        };
        /**
         * SelfRewardUsage
         * @description Tokens that were read: for each completion its prompt, itself and its EOS.
         */
        SelfRewardUsage: {
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Total Tokens */
            total_tokens: number;
        };
        /**
         * SpeculativeDecodingMetrics
         * @description Per-request speculative-decoding acceptance metrics.
         *
         *     Experimental, subject to change. Only populated for single-sequence requests
         *     (`n == 1`); `null` for `n > 1`, mirroring the timing metrics.
         */
        SpeculativeDecodingMetrics: {
            /** Acceptance Histogram */
            acceptance_histogram: number[];
            /** Draft Acceptance Rate */
            draft_acceptance_rate: number;
            /** Mean Acceptance Length */
            mean_acceptance_length: number;
            /** Num Accepted Draft Tokens */
            num_accepted_draft_tokens: number;
            /** Num Draft Tokens */
            num_draft_tokens: number;
            /** Num Spec Steps */
            num_spec_steps: number;
            /** Num Spec Tokens */
            num_spec_tokens: number;
            /** Per Step Accepted */
            per_step_accepted?: number[] | null;
            /** Per Step Drafted */
            per_step_drafted?: number[] | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * State
         * @description How far a load has got.
         * @enum {string}
         */
        State: "queued" | "verifying" | "loading" | "proving" | "active" | "rejected";
        /**
         * Status
         * @description Whether there is a score, and if not, why not.
         * @enum {string}
         */
        Status: "scored" | "truncated" | "stop_string" | "stop_token" | "ignore_eos" | "aborted" | "context_full" | "repetition" | "non_finite" | "unsupported";
        /**
         * StopCause
         * @description Why no more samples were drawn.
         * @enum {string}
         */
        StopCause: "n_max" | "deterministic" | "unassailable" | "posterior" | "min_confidence" | "max_total_tokens" | "timeout";
        /**
         * Strategy
         * @description How a checkpoint's weights get into an engine.
         * @enum {string}
         */
        Strategy: "auto" | "side_by_side" | "in_place";
        /** StreamOptions */
        StreamOptions: {
            /**
             * Continuous Usage Stats
             * @default false
             */
            continuous_usage_stats?: boolean | null;
            /**
             * Include Usage
             * @default false
             */
            include_usage?: boolean | null;
        } & {
            [key: string]: unknown;
        };
        /** StructuralTagResponseFormat */
        StructuralTagResponseFormat: {
            /** Format */
            format: unknown;
            /**
             * Type
             * @constant
             */
            type: "structural_tag";
        } & {
            [key: string]: unknown;
        };
        /** StructuredOutputsParams */
        StructuredOutputsParams: {
            /** Backend */
            _backend?: string | null;
            /**
             * Backend Was Auto
             * @default false
             */
            _backend_was_auto?: boolean;
            /** Choice */
            choice?: string[] | null;
            /**
             * Disable Additional Properties
             * @default false
             */
            disable_additional_properties?: boolean;
            /**
             * Disable Any Whitespace
             * @default false
             */
            disable_any_whitespace?: boolean;
            /** Grammar */
            grammar?: string | null;
            /** Json */
            json?: string | {
                [key: string]: unknown;
            } | null;
            /** Json Object */
            json_object?: boolean | null;
            /** Regex */
            regex?: string | null;
            /** Structural Tag */
            structural_tag?: string | null;
            /** Whitespace Pattern */
            whitespace_pattern?: string | null;
        };
        /** ToolCall */
        ToolCall: {
            function: components["schemas"]["vllm__entrypoints__generate__base__protocol__FunctionCall"];
            /** Id */
            id?: string;
            /**
             * Type
             * @default function
             * @constant
             */
            type: "function";
        } & {
            [key: string]: unknown;
        };
        /**
         * Unvoted
         * @description Samples that voted for nothing.
         */
        Unvoted: {
            /**
             * Cancelled
             * @description Still running when the selection was over.
             */
            cancelled: number;
            /**
             * No Answer
             * @description Complete, without an answer of the kind asked for.
             */
            no_answer: number;
            /**
             * Truncated
             * @description Cut short by a token limit.
             */
            truncated: number;
        };
        /**
         * UpstreamReport
         * @description What became of a request that was forwarded to the server's upstream.
         */
        UpstreamReport: {
            /**
             * Message
             * @description What went wrong.
             */
            message?: string | null;
            /** Model */
            model: string;
            /**
             * Status
             * @description answered: the choices are the upstream's. timeout or error: they are this server's own.
             */
            status: string;
            /**
             * Usage
             * @description As the upstream counts it.
             */
            usage?: {
                [key: string]: unknown;
            } | null;
        };
        /** UsageInfo */
        UsageInfo: {
            /**
             * Completion Tokens
             * @default 0
             */
            completion_tokens: number | null;
            completion_tokens_details?: components["schemas"]["CompletionTokenUsageInfo"] | null;
            /**
             * Prompt Tokens
             * @default 0
             */
            prompt_tokens: number;
            prompt_tokens_details?: components["schemas"]["PromptTokenUsageInfo"] | null;
            /**
             * Total Tokens
             * @default 0
             */
            total_tokens: number;
        } & {
            [key: string]: unknown;
        };
        /** VideoURL */
        VideoURL: {
            /** Url */
            url: string;
        } & {
            [key: string]: unknown;
        };
        /** FunctionCall */
        vllm__entrypoints__generate__base__protocol__FunctionCall: {
            /** Arguments */
            arguments: string;
            /** Name */
            name: string;
        } & {
            [key: string]: unknown;
        };
        /** FunctionDefinition */
        vllm__entrypoints__generate__base__protocol__FunctionDefinition: {
            /** Defer Loading */
            defer_loading?: boolean | null;
            /** Description */
            description?: string | null;
            /** Name */
            name: string;
            /** Parameters */
            parameters?: {
                [key: string]: unknown;
            } | null;
            /** Strict */
            strict?: boolean | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Logprob
         * @description Infos for supporting OpenAI compatible logprobs and token ranks.
         *
         *     Attributes:
         *         logprob: The logprob of chosen token
         *         rank: The vocab rank of chosen token (>=1)
         *         decoded_token: The decoded chosen token index
         */
        vllm__logprobs__Logprob: {
            /** Decoded Token */
            decoded_token?: string | null;
            /** Logprob */
            logprob: number;
            /** Rank */
            rank?: number | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Weights
         * @description What a sample's vote weighs in a weighted majority.
         * @enum {string}
         */
        "Weights-Input": "score" | "confidence";
        /**
         * Weights
         * @description Parameters of the model in the workers, compared with the tensors in the files.
         */
        "Weights-Output": {
            /**
             * Computed
             * @description Used in a packed form, which multiplies as the file's tensor does.
             * @default 0
             */
            computed: number;
            /**
             * Equal
             * @description Equal, element by element.
             * @default 0
             */
            equal: number;
            /**
             * Reason
             * @description Why nothing was compared.
             */
            reason?: string | null;
            /**
             * Uncovered
             * @description Not compared: quantised, spread over devices, reordered, or named otherwise.
             * @default 0
             */
            uncovered: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

/** The fields of each request. */
export const FIELDS = {
  "chat": [
    "messages",
    "model",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "presence_penalty",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "reasoning_effort",
    "thinking_token_budget",
    "include_reasoning",
    "parallel_tool_calls",
    "user",
    "use_beam_search",
    "top_k",
    "min_p",
    "repetition_penalty",
    "watermarking",
    "length_penalty",
    "stop_token_ids",
    "include_stop_str_in_output",
    "ignore_eos",
    "min_tokens",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "truncate_prompt_tokens",
    "truncation_side",
    "prompt_logprobs",
    "logprob_token_ids",
    "allowed_token_ids",
    "bad_words",
    "echo",
    "add_generation_prompt",
    "continue_final_message",
    "add_special_tokens",
    "documents",
    "chat_template",
    "chat_template_kwargs",
    "media_io_kwargs",
    "mm_processor_kwargs",
    "structured_outputs",
    "priority",
    "request_id",
    "session_id",
    "return_tokens_as_token_ids",
    "return_token_ids",
    "routed_experts_prompt_start",
    "return_token_offsets",
    "return_prompt_text",
    "mm_payload",
    "return_mm_kwargs",
    "cache_salt",
    "kv_transfer_params",
    "ec_transfer_params",
    "vllm_xargs",
    "repetition_detection",
    "stream_interval",
    "self_reward",
    "selection"
  ],
  "selection": [
    "method",
    "n_max",
    "n_parallel",
    "answer",
    "equality",
    "weights",
    "adaptive",
    "posterior",
    "min_confidence",
    "max_risk",
    "delta",
    "max_total_tokens",
    "timeout_s",
    "escalate",
    "return_candidates"
  ],
  "score": [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "reasoning_effort",
    "chat_template_kwargs",
    "cache_salt",
    "priority",
    "prompt",
    "prompt_token_ids",
    "completion",
    "completion_token_ids"
  ],
  "rerank": [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "reasoning_effort",
    "chat_template_kwargs",
    "cache_salt",
    "priority",
    "query",
    "documents",
    "top_n",
    "return_documents"
  ]
} as const;
