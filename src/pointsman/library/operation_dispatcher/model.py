"""What all models of this library have in common: they are written as JSON, and read from it."""

import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import MISSING, fields
from dataclasses import Field as DataclassField
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

Mode = Literal["python", "json"]


class Checked(type):
    """Of what cannot be made as it was asked for, a ValueError tells, whatever is wrong with it."""

    def __call__(cls, *given: Any, **named: Any) -> Any:  # noqa: ANN401  A model.
        try:
            return super().__call__(*given, **named)
        except TypeError as error:
            missing = ", ".join(name for name in _required(cls) if name not in named)
            line = f"{cls.__name__} lacks {missing}" if missing else str(error)
            raise ValueError(line) from error


class Model(metaclass=Checked):
    """A dataclass that can be dumped and validated. What is missing or odd is a ValueError."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, DataclassField[Any]]]

    def model_dump(
        self,
        *,
        mode: Mode = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """As a dict. With the mode "json" it holds nothing but what JSON has words for."""
        names = [field.name for field in fields(self)]
        wanted = [n for n in names if (include is None or n in include) and n not in exclude]
        values = {name: getattr(self, name) for name in wanted}
        return {
            name: _dumped(value, mode)
            for name, value in values.items()
            if not (exclude_none and value is None)
        }

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False) -> str:
        return json.dumps(self.model_dump(mode="json", exclude_none=exclude_none), indent=indent)

    @classmethod
    def model_validate(cls, value: object) -> Self:
        """One of its kind, or a mapping of its fields; what the mapping holds besides is ignored.

        Raises:
            ValueError: If it is neither, or a field makes no sense.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(
                f"{cls.__name__} is to be made of a {type(value).__name__}: a mapping"
                " of its fields would work"
            )
        known = [field.name for field in fields(cls)]
        return cls(**{name: value[name] for name in known if name in value})

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Self:
        """Raises: ValueError: If it is no JSON, or does not say what a model must."""
        return cls.model_validate(json.loads(text))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Another one of the same values, or of those that `update` names."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if deep:
            values = deepcopy(values)
        return type(self)(**values | dict(update or {}))


def _required(model: Any) -> list[str]:  # noqa: ANN401  A class of models.
    fixed = (field for field in fields(model) if field.default is field.default_factory is MISSING)
    return [field.name for field in fixed]


def _dumped(value: object, mode: Mode) -> Any:  # noqa: ANN401  Whatever the field holds.
    match value:
        case Model():
            return value.model_dump(mode=mode)
        case Mapping():
            return {str(name): _dumped(one, mode) for name, one in value.items()}
        case list() | tuple():
            return [_dumped(one, mode) for one in value]
        case _ if mode == "python":
            return value
        case Enum():
            return value.value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case _:
            return value
