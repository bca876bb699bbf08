"""Numbers of Arrow's narrow columns, as short as they can be written in their own width."""

from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types


def in_own_width(value: Any, kind: pa.DataType) -> Any:
    """What Arrow's column of this type gives, with 0.1 for the float32 that is nearest to 0.1; in
    Python it would be 0.10000000149011612."""
    match value:
        case float() if types.is_float32(kind):
            return float(str(np.float32(value)))
        case float() if types.is_float16(kind):
            return float(str(np.float16(value)))
        case dict() if types.is_struct(kind):
            return {field.name: in_own_width(value[field.name], field.type) for field in kind}
        case list() if types.is_list(kind) or types.is_large_list(kind):
            return [in_own_width(item, kind.value_type) for item in value]
    return value
