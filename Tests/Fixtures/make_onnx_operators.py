"""Makes the case onnx_operators: one network per operator set in which every operator of the importer occurs, with onnxruntime's results.

Needs onnx, onnxruntime, numpy and safetensors. Run in this folder.
"""
import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

rng = np.random.default_rng(3)
half = lambda *shape: rng.uniform(-1, 1, shape).astype(np.float16)
inputs = {"picture": half(1, 6, 9, 10), "tokens": half(2, 5, 8), "even": half(1, 4, 8, 8)}


class Maker:
    def __init__(self, opset):
        self.opset, self.nodes, self.weights, self.outputs, self.count = opset, [], [], [], 0

    def weight(self, array):
        self.count += 1
        name = f"w{self.count}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, *shape):
        return self.weight(np.random.default_rng(len(self.weights)).uniform(-1, 1, shape).astype(np.float32))

    def ints(self, *values):
        return self.weight(np.array(values, np.int64))

    def op(self, kind, *operands, outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(operands), names, name=f"{kind}_{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def out(self, value):
        self.count += 1
        name = f"y{len(self.outputs)}"
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(name)

    def axes(self, kind, value, axes, **attributes):
        """Operators whose axes became an input with operator set 13."""
        if self.opset < 13:
            return self.op(kind, value, axes=axes, **attributes)
        return self.op(kind, value, self.ints(*axes), **attributes)

    def split(self, value, sizes, axis):
        if self.opset < 13:
            return self.op("Split", value, outputs=len(sizes), axis=axis, split=sizes)
        return self.op("Split", value, self.ints(*sizes), outputs=len(sizes), axis=axis)


def left_out(m, opset):
    """An operand left out: operator set 11 has none in the middle."""
    return m.weight(np.zeros(0, np.float32)) if opset < 13 else ""


def build(opset):
    m = Maker(opset)
    x, t, e = "picture", "tokens", "even"
    conv = lambda v, o, i, k=3, **a: m.op("Conv", v, m.floats(o, i, k, k), m.floats(o), **a)
    # Convolutions: plain, strided, depthwise, grouped, dilated, automatic padding, without bias.
    m.out(conv(x, 5, 6, pads=[1, 1, 1, 1]))
    m.out(conv(x, 5, 6, pads=[1, 0, 0, 1], strides=[2, 2]))
    m.out(conv(x, 6, 1, pads=[1, 1, 1, 1], group=6))
    m.out(conv(x, 6, 1, 5, pads=[2, 2, 2, 2], group=6, strides=[2, 2], kernel_shape=[5, 5]))
    m.out(conv(x, 4, 3, group=2))
    m.out(conv(x, 12, 1, group=6))
    m.out(conv(x, 3, 6, pads=[2, 2, 2, 2], dilations=[2, 2]))
    m.out(conv(x, 6, 1, pads=[2, 2, 2, 2], dilations=[2, 2], group=6))
    m.out(conv(x, 2, 6, 2, auto_pad="SAME_UPPER", strides=[2, 2]))
    m.out(conv(x, 2, 6, 4, auto_pad="SAME_LOWER"))
    m.out(m.op("Conv", x, m.floats(3, 6, 1, 1)))
    # Pooling and enlarging.
    m.out(m.op("MaxPool", x, kernel_shape=[5, 5], pads=[2, 2, 2, 2]))
    m.out(m.op("MaxPool", x, kernel_shape=[2, 3], strides=[2, 2]))
    m.out(m.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1))
    m.out(m.op("GlobalAveragePool", x))
    none = left_out(m, opset)
    scales = lambda *s: m.weight(np.array(s, np.float32))
    resize = dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    m.out(m.op("Resize", x, none, scales(1, 1, 2, 2), **resize))
    m.out(m.op("Resize", x, none, scales(1, 1, 3, 1), mode="nearest", coordinate_transformation_mode="half_pixel"))
    m.out(m.op("Resize", x, none, none, m.ints(1, 6, 18, 20), **resize))
    # Elements, with broadcasting between layouts.
    for kind in ["Sigmoid", "Tanh", "Exp", "Relu", "Abs", "Neg", "Sin", "Cos", "HardSigmoid"]:
        m.out(m.op(kind, x))
    m.out(m.op("HardSigmoid", x, alpha=1 / 6))
    m.out(m.op("LeakyRelu", x, alpha=0.1))
    if opset >= 14:
        m.out(m.op("HardSwish", x))
    positive = m.op("Add", m.op("Abs", x), m.weight(np.float32(0.5)))
    for kind in ["Sqrt", "Log", "Reciprocal"]:
        m.out(m.op(kind, positive))
    for exponent in [0.5, 1, 2, 3, -1, -0.5]:
        m.out(m.op("Pow", positive, m.weight(np.float32(exponent))))
    m.out(m.op("Mul", x, m.op("Sigmoid", x)))
    c = conv(x, 6, 6, pads=[1, 1, 1, 1])
    m.out(m.op("Add", x, c))
    m.out(m.op("Sub", c, m.floats(6, 1, 1)))
    m.out(m.op("Mul", m.floats(9, 1), c))
    m.out(m.op("Div", c, m.weight(np.arange(1, 11, dtype=np.float32))))
    m.out(m.op("Mul", c, m.op("GlobalAveragePool", c)))
    m.out(m.op("Add", m.op("Transpose", c, perm=[0, 2, 3, 1]), m.floats(6)))
    m.out(m.op("Max", c, x, m.weight(np.float32(0.1))))
    m.out(m.op("Min", m.weight(np.float32(0.1)), c))
    m.out(m.op("Sum", c, x, m.floats(1, 6, 9, 10)))
    m.out(m.op("Clip", c, m.weight(np.float32(-0.5)), m.weight(np.float32(0.25))))
    m.out(m.op("Clip", c, "", m.weight(np.float32(0.25))))
    # Transposes and reshapes of pictures.
    m.out(m.op("Transpose", c, perm=[0, 3, 1, 2]))
    m.out(m.op("Transpose", c))
    m.out(m.op("Reshape", c, m.ints(1, 6, -1)))
    m.out(m.op("Transpose", m.op("Reshape", c, m.ints(0, 0, -1)), perm=[0, 2, 1]))
    m.out(m.op("Reshape", c, m.ints(1, 2, 3, 9, 10)))
    m.out(m.op("Reshape", m.op("Transpose", m.op("Reshape", c, m.ints(1, 2, 3, 9, 10)), perm=[0, 2, 1, 3, 4]), m.ints(1, 6, 9, 10)))
    m.out(m.op("Reshape", c, m.ints(1, 54, 10)))
    m.out(m.op("Reshape", c, m.ints(10, 54)))
    m.out(m.op("Flatten", m.op("GlobalAveragePool", c)))
    m.out(m.op("Flatten", c, axis=2))
    m.out(m.op("Flatten", c, axis=-1))
    m.out(m.axes("Squeeze", m.op("GlobalAveragePool", c), [2, 3]))
    m.out(m.op("Squeeze", c))
    m.out(m.axes("Unsqueeze", m.axes("Unsqueeze", c, [2, -1]), [0]))
    # Cutting and joining.
    for top in [0, 1]:
        rows = m.op("Slice", e, m.ints(top), m.ints(2**63 - 1), m.ints(2), m.ints(2))
        m.out(m.op("Slice", rows, m.ints(1), m.ints(2**31), m.ints(3), m.ints(2)))
    m.out(m.op("Slice", c, m.ints(1, -4), m.ints(-1, 9), m.ints(1, 2)))
    m.out(m.op("Slice", c, m.ints(0, 1), m.ints(9, 10), m.ints(2, 3), m.ints(4, 3)))
    m.out(m.op("Slice", c, m.ints(0, 2), m.ints(1, 5)))
    m.out(m.op("Concat", c, x, m.floats(1, 2, 9, 10), axis=1))
    m.out(m.op("Concat", m.op("Reshape", c, m.ints(1, 6, -1)), m.op("Reshape", x, m.ints(1, 6, -1)), axis=-1))
    parts = m.split(c, [1, 2, 3], 1)
    m.out(m.op("Concat", parts[2], parts[0], parts[1], axis=1))
    m.out(m.op("Add", *m.op("Split", c, outputs=2, axis=-1)))
    m.out(m.op("Gather", c, m.weight(np.int64(2)), axis=1))
    m.out(m.op("Gather", c, m.ints(0, -1, 3, 4), axis=2))
    m.out(m.op("Gather", c, m.weight(np.array([[1, 0], [5, 2]], np.int64)), axis=1))
    m.out(m.op("Expand", m.op("GlobalAveragePool", c), m.ints(1, 1, 4, 3)))
    m.out(m.op("Pad", c, m.ints(0, 1, 2, 0, 0, 0, 1, 3)))
    # Shapes computed on the way.
    shape = m.op("Shape", c)
    pieces = [m.op("Gather", shape, m.ints(i)) for i in range(4)]
    product = m.op("Mul", pieces[2], pieces[3])
    m.out(m.op("Reshape", c, m.op("Concat", pieces[0], pieces[1], product, axis=0)))
    double = m.op("Cast", m.op("Floor", m.op("Mul", m.op("Cast", m.op("Slice", shape, m.ints(2), m.ints(4)), to=1), scales(2, 2))), to=7)
    m.out(m.op("Resize", c, none, none, m.op("Concat", m.op("Slice", shape, m.ints(0), m.ints(2)), double, axis=0), **resize))
    ones = m.op("ConstantOfShape", m.ints(1), value=helper.make_tensor("one", TensorProto.INT64, [1], [1]))
    wanted = m.op("Where", m.op("Equal", m.ints(-1, 4), m.ints(-1, -1)), m.op("Expand", ones, m.ints(2)), m.ints(6, 4))
    m.out(m.op("Expand", m.op("GlobalAveragePool", c), m.op("Concat", m.ints(1, 6), wanted, axis=0)))
    whole = lambda n: m.weight(np.int64(n))
    m.out(m.op("Add", t, m.op("Cast", m.op("Range", whole(0), whole(8), whole(1)), to=1)))
    # Rows.
    m.out(m.op("Softmax", t, axis=-1))
    m.out(m.op("Softmax", t, axis=1))
    m.out(m.op("Softmax", c, axis=1))
    for kind in ["ReduceMean", "ReduceL2", "ReduceL1", "ReduceSumSquare"]:
        m.out(m.op(kind, c, axes=[2, 3], keepdims=1))
        m.out(m.op(kind, c, axes=[1], keepdims=0))
        m.out(m.op(kind, t))
    m.out(m.axes("ReduceSum", t, [-1], keepdims=1))
    if opset >= 17:
        m.out(m.op("LayerNormalization", t, m.floats(8), m.floats(8), axis=-1, epsilon=1e-3))
        m.out(m.op("LayerNormalization", m.op("Transpose", t, perm=[0, 2, 1]), m.floats(5), m.floats(5)))
    variance = m.weight(np.linspace(0.5, 2, 6).astype(np.float32))
    m.out(m.op("BatchNormalization", c, m.floats(6), m.floats(6), m.floats(6), variance, epsilon=1e-3))
    # Matrices.
    m.out(m.op("MatMul", t, m.floats(8, 3)))
    m.out(m.op("MatMul", m.op("Transpose", t, perm=[0, 2, 1]), m.floats(5, 3)))
    m.out(m.op("MatMul", m.op("Transpose", t, perm=[1, 0, 2]), m.floats(8, 3)))
    q = m.op("MatMul", t, m.floats(8, 4))
    k = m.op("MatMul", t, m.floats(8, 4))
    scores = m.op("MatMul", q, m.op("Transpose", k, perm=[0, 2, 1]))
    m.out(scores)
    m.out(m.op("MatMul", m.op("Softmax", scores, axis=2), t))
    m.out(m.op("MatMul", m.floats(1, 3, 5), t))
    m.out(m.op("MatMul", t, m.floats(2, 8, 3)))
    flat = m.op("Flatten", m.op("GlobalAveragePool", c))
    m.out(m.op("Gemm", flat, m.floats(4, 6), m.floats(4), transB=1))
    m.out(m.op("Gemm", flat, m.floats(6, 4), m.floats(1, 4), alpha=0.5, beta=2.0))
    m.out(m.op("Gemm", m.op("Transpose", flat), m.floats(6, 4), transA=1))
    m.out(m.op("Dropout", t))
    graph = helper.make_graph(
        m.nodes, "operators", [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in m.outputs], m.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6 if opset < 13 else 8)
    return model, m.outputs


tensors = {}
files = {}
for opset in [11, 17]:
    model, outputs = build(opset)
    name, network = f"onnx_operators_opset{opset}.onnx", f"opset{opset}"
    onnx.save(model, name)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = session.run(outputs, {key: value.astype(np.float32) for key, value in inputs.items()})
    for key, value in inputs.items():
        tensors[f"inputs/{network}/{key}"] = value
    for output, value in zip(outputs, results):
        tensors[f"outputs/{network}/{output}"] = np.asarray(value, np.float32)
    files[name] = {"network": network, "inputs": list(inputs), "outputs": outputs}
save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, "onnx_operators.safetensors")
json.dump({"case": "onnx_models", "config": {"files": files}}, open("onnx_operators.json", "w"))
