"""Build the encoder's ONNX graph, from the vectors of tokens to one vector of the text.

Matrices are 8-bit integers with a scale per column. Their inputs are quantised to 8 bits by their own range (dynamic
quantisation). In a batch, a text's vector would depend on the other texts; texts are therefore encoded one at a time.
The graph uses operators of onnxruntime (domain com.microsoft) in addition to ONNX's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from models.encoder.weights import EncoderWeights, Matrix

INPUT, OUTPUT = "tokens", "vector"
_OURS = "com.microsoft"
_ZERO = 128  # unsigned weights: kernels for signed ones saturate on CPUs without VNNI and give other results


def graph(weights: EncoderWeights) -> bytes:
    """Build an ONNX model.

    Input: (1, n_tokens, width) sums of word, position and type vectors; output: (1, width), the mean over tokens.
    """
    return _Network(weights).model()


class _Network:
    def __init__(self, weights: EncoderWeights) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._numbers: list[Any] = []

    def model(self) -> bytes:
        weights, epsilon = self._weights, self._weights.epsilon
        at = self._node(
            "LayerNormalization", [INPUT, *self._given("emb.ln.w", "emb.ln.b")], "", epsilon=epsilon, axis=-1
        )
        for layer in range(weights.n_layers):
            at = self._layer(at, f"l{layer}")
        axes = self._constant("axes", np.array([1], np.int64))
        self._nodes.append(helper.make_node("ReduceMean", [at, axes], [OUTPUT], keepdims=0))
        ends = [(INPUT, [1, None, weights.width]), (OUTPUT, [1, weights.width])]
        inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in ends)
        graph_proto = helper.make_graph(self._nodes, "multilingual-e5-small", inputs, outputs, self._numbers)
        versions = [helper.make_opsetid("", 18), helper.make_opsetid(_OURS, 1)]
        return bytes(helper.make_model(graph_proto, opset_imports=versions, ir_version=9).SerializeToString())

    def _layer(self, at: str, name: str) -> str:
        weights = self._weights
        joined = [
            np.concatenate([weights.tensor(f"{name}.{which}.{part}") for which in "qkv"]).reshape(shape)
            for part, shape in (("w", (-1, weights.width)), ("b", (-1,)))
        ]
        qkv = self._product(at, f"{name}.qkv", joined[0], joined[1])
        third = self._constant(f"{name}.third", np.full(3, weights.width, np.int64))
        parts = [f"{qkv}.{which}" for which in "qkv"]
        self._nodes.append(helper.make_node("Split", [qkv, third], parts, axis=-1))
        attended = self._node("MultiHeadAttention", parts, _OURS, num_heads=weights.n_heads)
        at = self._added(at, self._matrix(attended, f"{name}.ao", weights.width), f"{name}.aln")
        inner = self._node("Gelu", [self._matrix(at, f"{name}.fi", weights.inner_width)], _OURS)
        return self._added(at, self._matrix(inner, f"{name}.fo", weights.width), f"{name}.oln")

    def _matrix(self, at: str, name: str, n_out: int) -> str:
        matrix, bias = self._weights.tensor(f"{name}.w"), self._weights.tensor(f"{name}.b")
        return self._product(at, name, matrix.reshape(n_out, -1), bias)

    def _product(self, at: str, name: str, matrix: Matrix, bias: Matrix) -> str:
        scale = np.abs(matrix).max(axis=1) / 127
        integers = (np.rint(matrix / scale[:, None]) + _ZERO).astype(np.uint8)
        inputs = {"w": integers.T.copy(), "s": scale, "z": np.full(len(scale), _ZERO, np.uint8), "b": bias}
        names = [self._constant(f"{name}.{part}", numbers) for part, numbers in inputs.items()]
        return self._node("DynamicQuantizeMatMul", [at, *names], _OURS)

    def _added(self, at: str, more: str, name: str) -> str:
        parameters = self._given(f"{name}.w", f"{name}.b")
        return self._node("SkipLayerNormalization", [at, more, *parameters], _OURS, epsilon=self._weights.epsilon)

    def _given(self, *names: str) -> list[str]:
        return [self._constant(name, self._weights.tensor(name)) for name in names]

    def _constant(self, name: str, numbers: npt.NDArray[np.generic]) -> str:
        self._numbers.append(numpy_helper.from_array(numbers, name))
        return name

    def _node(self, operator: str, inputs: list[str], domain: str, **settings: Any) -> str:
        output = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **settings))
        return output
