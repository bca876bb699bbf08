/**
 * The types of what LaServe adds to chat completions of the `openai` package:
 *
 *     import type {} from "laserve-client/openai";
 */

import type {} from "openai/resources/chat/completions/completions"; // what is added to

import type { Selection, SelectionOptions, SelectionProgress, SelfReward } from "../types.ts";

declare module "openai/resources/chat/completions/completions" {
  interface ChatCompletionCreateParamsBase {
    /** Whether to answer with the model's own score; true by default. */
    self_reward?: boolean | null;
    /** Draw several samples and answer with one of them. */
    selection?: SelectionOptions | null;
  }

  interface ChatCompletion {
    /** How the answer was chosen, where the request asked for that. */
    selection?: Selection | null;
  }

  namespace ChatCompletion {
    interface Choice {
      /** The model's own verdict; left out where the request said `self_reward: false`. */
      self_reward?: SelfReward | null;
    }
  }

  interface ChatCompletionChunk {
    /** Of the last chunk with a choice. */
    selection?: Selection | null;
    /** Of a chunk without choices: a sample has ended, of a selection with `return_candidates`. */
    selection_progress?: SelectionProgress;
  }

  namespace ChatCompletionChunk {
    interface Choice {
      /** Of the choice's last chunk. */
      self_reward?: SelfReward | null;
    }
  }
}
