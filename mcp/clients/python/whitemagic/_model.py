"""Base of the generated models, for pydantic 1 and 2."""

from typing import Any, Dict, Tuple, Type, TypeVar

import pydantic

_IS_V2 = pydantic.VERSION.startswith("2.")


class Model(pydantic.BaseModel):
    """An object that the service returned. Fields that a later version of the service adds are ignored."""

    if _IS_V2:
        model_config = {"protected_namespaces": (), "populate_by_name": True}
    else:

        class Config:
            allow_population_by_field_name = True


ModelT = TypeVar("ModelT", bound=Model)


def parse(model: Type[ModelT], data: Dict[str, Any]) -> ModelT:
    """Validates an object of the service."""
    return model.model_validate(data) if _IS_V2 else model.parse_obj(data)


def parse_first(models: Tuple[Type[ModelT], ...], data: Dict[str, Any]) -> ModelT:
    """Validates an object by the first model that it fits.

    Raises pydantic.ValidationError, that of the first model, if it fits none.
    """
    error = None
    for model in models:
        try:
            return parse(model, data)
        except pydantic.ValidationError as reason:
            error = error or reason
    raise error or ValueError("no model")
