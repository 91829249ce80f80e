"""What an ONNX file of a bundle may hold, looked at before any engine sees it.

Everything that could run without end, read another file or take memory beyond the file's own size
is refused: operators beyond those that our graphs are made of, graphs inside of nodes (If, Loop,
Scan), functions, external data, tensors that claim other sizes than they have, sizes that depend on
the signal, fields that are not of ONNX. The fields and their numbers are of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.formats import FormatError
from dlrsd.runtime.base.protobuf import BYTES, FIXED32, FIXED64, VARINT, fields, varint

# What export writes of the networks there are, and their neighbours among the pointwise functions,
# normalisations and 8-bit products.
OPERATORS = frozenset(
    """
    Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvInteger ConvTranspose
    DequantizeLinear Div DynamicQuantizeLinear Elu Erf Exp Expand Flatten GRU Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Identity
    InstanceNormalization IsNaN LSTM LayerNormalization LeakyRelu Log LogSoftmax MatMul MatMulInteger Max
    MaxPool Min Mul Neg PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear Reciprocal ReduceL2
    ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize Shape Sigmoid Slice Softmax
    Softplus Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze Where
    """.split()
)
_DOMAINS = ("", "ai.onnx")
# Inputs whose values are sizes of the output.
_SIZES = {
    "Expand": (1,), "Pad": (1, 3), "Reshape": (1,), "Resize": (1, 2, 3), "Slice": (1, 2, 3, 4),
    "Split": (1,), "Squeeze": (1,), "Unsqueeze": (1,),
}  # fmt: skip
_Node = tuple[str, list[str], list[str]]  # operator, inputs, outputs
_MOST_NODES = 4096
_MOST_AXES = 16
_MOST_NAMES = 256  # of inputs, outputs or attributes of a node
# Element type: NumPy's, and the field that may hold it in place of raw data.
_TYPES = {
    1: ("<f4", 4), 2: ("u1", 5), 3: ("i1", 5), 6: ("<i4", 5), 7: ("<i8", 7), 9: ("u1", 5),
    10: ("<f2", 9), 11: ("<f8", 10),
}  # fmt: skip
_WIRES = {4: FIXED32, 5: VARINT, 7: VARINT, 10: FIXED64}
_WIDTHS = {4: 4, 10: 8}


def read_onnx(content: bytes) -> dict[str, str]:
    """Check an ONNX file.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict of str
        The file's metadata.

    Raises
    ------
    FormatError
        If it is no ONNX file, or holds what no graph of a bundle needs.
    """
    metadata: dict[str, str] = {}
    graphs = 0
    for number, value, inside in _known("file", memoryview(content), _MODEL):
        if number == 7:
            graphs += 1
            _read_graph(inside)
        elif number == 8:
            _read_opset(inside)
        elif number == 14:
            entry = {key: _text(text) for key, _, text in _known("metadata", inside, _ENTRY)}
            metadata[entry.get(1, "")] = entry.get(2, "")
        elif number == 1 and not 3 <= value <= 64:
            raise FormatError(f"a file of IR version {value}, expected 3 or later")
    if graphs != 1:
        raise FormatError(f"a file of {graphs} graphs, expected one")
    return metadata


# By message: the fields that are known, with their wire type.
_MODEL = {1: VARINT, 5: VARINT} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14), BYTES)
_ENTRY = {1: BYTES, 2: BYTES}
_OPSET = {1: BYTES, 2: VARINT}
_GRAPH = dict.fromkeys((1, 2, 5, 10, 11, 12, 13, 16), BYTES)
_VALUE = dict.fromkeys((1, 2, 3, 4), BYTES)
_NODE = dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 9), BYTES)
_ATTRIBUTE = {2: FIXED32, 3: VARINT, 20: VARINT} | dict.fromkeys((1, 4, 5, 9, 13), BYTES)
_TENSOR = {2: VARINT, 14: VARINT} | dict.fromkeys((8, 9, 12), BYTES)
# Numbers in a row, which may also stand one by one.
_ROWS = {7: FIXED32, 8: VARINT}
_TENSOR_ROWS = {1: VARINT, 4: FIXED32, 5: VARINT, 7: VARINT, 10: FIXED64}
_FORBIDDEN = {
    ("file", 20): "training",
    ("file", 25): "functions",
    ("graph", 15): "sparse tensors",
    ("node's attribute", 6): "a graph",
    ("node's attribute", 11): "a graph",
    ("tensor", 6): "texts",
    ("tensor", 13): "external data",
}


def _known(
    what: str, message: memoryview, known: dict[int, int], rows: dict[int, int] | None = None
) -> Iterator[tuple[int, int, memoryview]]:
    """Fields of a message, all of which have to be known; of a row each number is one."""
    for number, wire, value, inside in fields(message):
        if known.get(number) == wire or (rows and rows.get(number) == wire):
            yield number, value, inside
        elif rows and number in rows and wire == BYTES:
            yield number, -1, inside
        else:
            raise FormatError(
                f"{_FORBIDDEN.get((what, number), f'an unknown field {number}')} in a {what}"
            )


def _read_opset(message: memoryview) -> None:
    opset = {number: (value, text) for number, value, text in _known("opset", message, _OPSET)}
    domain = _text(opset[1][1]) if 1 in opset else ""
    if domain not in _DOMAINS:
        raise FormatError(f"operators of the domain {domain[:60]!r}, expected ONNX's own")


def _read_graph(message: memoryview) -> None:
    nodes: list[_Node] = []
    constants = set()
    for number, _, inside in _known("graph", message, _GRAPH):
        if number == 1:
            nodes.append(_read_node(inside))
        elif number == 5:
            constants.add(_read_tensor(inside))
        elif number in (11, 12):
            _read_value(inside)
    if not 0 < len(nodes) <= _MOST_NODES:
        raise FormatError(f"a graph of {len(nodes)} nodes, expected 1 to {_MOST_NODES}")
    _require_sizes(nodes, constants)


def _require_sizes(nodes: list[_Node], constants: set[str]) -> None:
    """Refuse sizes that follow from the signal: what is tried on silence would prove nothing."""
    known = constants | {""}  # "" stands for an input that is left out
    for operator, inputs, outputs in nodes:
        if operator == "Shape" or known.issuperset(inputs):
            known.update(outputs)
        sizes = [inputs[at] for at in _SIZES.get(operator, ()) if at < len(inputs)]
        if not known.issuperset(sizes):
            raise FormatError(f"an operator {operator!r} that makes sizes of the signal")


def _read_node(message: memoryview) -> _Node:
    operator = domain = ""
    inputs: list[str] = []
    outputs: list[str] = []
    attributes = 0
    for number, _, inside in _known("node", message, _NODE):
        if number == 1:
            inputs.append(_text(inside))
        elif number == 2:
            outputs.append(_text(inside))
        elif number == 5:
            attributes += 1
            _read_attribute(inside)
        elif number == 4:
            operator = _text(inside)
        elif number == 7:
            domain = _text(inside)
    if operator not in OPERATORS or domain not in _DOMAINS:
        raise FormatError(
            f"an operator {f'{domain}.{operator}'.lstrip('.')[:60]!r}, expected one of those that "
            "graphs of bundles are made of"
        )
    most = max(len(inputs), len(outputs), attributes)
    if most > _MOST_NAMES:
        raise FormatError(f"a node of {most} parts, expected at most {_MOST_NAMES}")
    return operator, inputs, outputs


def _read_value(message: memoryview) -> None:
    """An input or output: a tensor whose name, and those of its free axes, are texts."""
    for number, _, inside in _known("value", message, _VALUE):
        if number == 1:
            _text(inside)
        elif number == 2:
            for _, _, kind in _known("type", inside, {1: BYTES}):
                for _, _, shape in _known("tensor's type", kind, {1: VARINT, 2: BYTES}):
                    for _, _, axis in _known("shape", shape, {1: BYTES}):
                        for _, _, name in _known("axis", axis, {1: VARINT, 2: BYTES}):
                            _text(name)


def _read_attribute(message: memoryview) -> None:
    for number, _, inside in _known("node's attribute", message, _ATTRIBUTE, _ROWS):
        if number == 5:
            _read_tensor(inside)


def _read_tensor(message: memoryview) -> str:
    """Check a tensor; its name."""
    kind, name, raw = 0, "", None
    dims: list[int] = []
    rows: dict[int, list[tuple[int, memoryview]]] = {}
    for number, value, inside in _known("tensor", message, _TENSOR, _TENSOR_ROWS):
        if number == 1:
            dims += [value] if value >= 0 else _varints(inside)
        elif number == 2:
            kind = value
        elif number == 8:
            name = _text(inside)
        elif number == 9:
            raw = inside
        elif number == 14 and value:
            raise FormatError(f"external data in the tensor {name[:60]!r}")
        elif number in _TENSOR_ROWS:
            rows.setdefault(number, []).append((value, inside))
    what = f"the tensor {name[:60]!r}"
    if len(dims) > _MOST_AXES:
        raise FormatError(f"{what} of {len(dims)} axes, expected at most {_MOST_AXES}")
    if kind not in _TYPES:
        raise FormatError(f"{what} of the element type {kind}, expected real numbers")
    dtype, field = np.dtype(_TYPES[kind][0]), _TYPES[kind][1]
    wanted = prod(dims)
    values: NDArray[Any] | None = None
    if raw is not None:
        if rows or len(raw) != wanted * dtype.itemsize:
            raise FormatError(f"{what} of {len(raw)} bytes for {str(dims)[:60]} elements")
        values = np.frombuffer(raw, dtype)
    elif set(rows) - {field} or field not in (*_WIRES,):
        if wanted:
            raise FormatError(f"{what} whose numbers stand where others belong")
    else:
        got = sum(_count(field, value, inside) for value, inside in rows.get(field, []))
        if got != wanted:
            raise FormatError(f"{what} of {got} numbers for {str(dims)[:60]} elements")
        if field in _WIDTHS:
            joined = b"".join(bytes(inside) for _, inside in rows.get(field, []))
            values = np.frombuffer(joined, dtype)
    if values is not None and dtype.kind == "f" and not np.isfinite(values).all():
        raise FormatError(f"{what} holds weights that are NaN or infinite")
    return name


def _varints(packed: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(packed):
        number, at = varint(packed, at)
        numbers.append(number)
    return numbers


def _count(field: int, value: int, inside: memoryview) -> int:
    """Numbers in a row, or one that stands alone."""
    if field in _WIDTHS:
        if len(inside) % _WIDTHS[field]:
            raise FormatError("a row of numbers that is cut off")
        return len(inside) // _WIDTHS[field]
    if value >= 0:
        return 1
    return int(np.count_nonzero(np.frombuffer(inside, np.uint8) < 0x80))


def _text(content: memoryview) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"a text that is no UTF-8 ({error.reason})") from error
