"""One of the models that GET /v1/models lists."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from vllm.entrypoints.openai.models.serving import OpenAIServingModels
from vllm.entrypoints.serve.engine.protocol import ModelCard

from laserve.api.wire.errors import error_answer
from laserve.api.wire.routing import refusing

router = APIRouter()


@router.get(
    "/v1/models/{model_id:path}",
    response_model=ModelCard,
    responses=refusing(HTTPStatus.NOT_FOUND),
)
async def retrieve_model(model_id: str, raw_request: Request) -> JSONResponse:
    """The model or adapter of this name, which may have slashes."""
    serving: OpenAIServingModels = raw_request.app.state.openai_serving_models
    models = await serving.show_available_models()
    if not model_id:
        return JSONResponse(models.model_dump())
    for card in models.data:
        if card.id == model_id:
            return JSONResponse(card.model_dump())
    message = f"The model `{model_id}` does not exist."  # as vLLM has it of a request's model
    return error_answer(HTTPStatus.NOT_FOUND, message, "model")
