"""Makes the case tflite_operators: a network in which every operator of the importer occurs with every option, with LiteRT's results.

Needs numpy 2.4.6, flatbuffers 25.12.19, ai-edge-litert 2.3.0 (which has the schema's tables, and whose reference kernels judge) and
safetensors 0.8.0. Run in this folder.
"""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from safetensors.numpy import save_file

name = "tflite_operators"
rng = np.random.default_rng(5)
random = lambda *shape: rng.uniform(-1, 1, shape).astype(np.float32)
inputs = {"picture": random(1, 9, 11, 6), "two": random(2, 8, 7, 4), "rows": random(2, 5, 8)}
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
PLAIN, RELU, RELU6 = (getattr(schema.ActivationFunctionType, kind) for kind in ["NONE", "RELU", "RELU6"])
TYPES = {kind: getattr(schema.TensorType, kind.upper()) for kind in ["float32", "float16", "int32", "int64"]}


class Maker:
    """Writes the network. Shapes of results are those LiteRT finds, by name: what it is asked for at first has none."""

    def __init__(self, shapes):
        self.shapes, self.tensors, self.buffers, self.operators, self.codes, self.outputs = shapes, [], [schema.BufferT()], [], [], []
        for key, value in inputs.items():
            self.tensor(key, value.shape, "float32")

    def tensor(self, key, shape, kind, data=None):
        if data is not None:
            self.buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
        buffer = 0 if data is None else len(self.buffers) - 1
        self.tensors.append(schema.TensorT(shape=list(shape), type=TYPES[kind], buffer=buffer, name=key))
        return key

    def constant(self, array):
        return self.tensor(f"constant {len(self.tensors)}", array.shape, str(array.dtype), array)

    def floats(self, *shape):
        return self.constant(random(*shape))

    def halves(self, *shape):
        """A constant of half precision behind the operator that widens it."""
        return self.op(None, "DEQUANTIZE", [self.constant(random(*shape).astype(np.float16))])

    def ints(self, *values, kind=np.int32, shape=None):
        return self.constant(np.array(values, kind).reshape(shape or [len(values)]))

    def op(self, key, kind, operands, options=None, **fields):
        """The key names the result, which is an output of the network if the key does not begin with 'inner'."""
        if key is None:
            key = f"inner {len(self.tensors)}"
        elif not key.startswith("inner"):
            self.outputs.append(key)
        self.tensor(key, self.shapes.get(key, []), "float32")
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self.codes:
            self.codes.append(code)
        places = [next(i for i, t in enumerate(self.tensors) if t.name == operand) for operand in operands]
        made = schema.OperatorT(opcodeIndex=self.codes.index(code), inputs=places, outputs=[len(self.tensors) - 1])
        if options:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, options + "T")(**fields)
        self.operators.append(made)
        return key

    def conv(self, key, x, channels, out, size, padding, stride, act=PLAIN, weights=None):
        weights = weights or self.floats
        operands = [x, weights(out, size, size, channels), weights(out)]
        return self.op(
            key, "CONV_2D", operands, "Conv2DOptions", padding=padding, strideW=stride, strideH=stride, fusedActivationFunction=act)

    def depthwise(self, key, x, channels, size, padding, stride, act=PLAIN, weights=None):
        weights = weights or self.floats
        operands = [x, weights(1, size, size, channels), weights(channels)]
        return self.op(
            key, "DEPTHWISE_CONV_2D", operands, "DepthwiseConv2DOptions", padding=padding, strideW=stride, strideH=stride,
            depthMultiplier=1, fusedActivationFunction=act)

    def pool(self, key, x, height, width, padding, stride, act=PLAIN):
        return self.op(
            key, "MAX_POOL_2D", [x], "Pool2DOptions", padding=padding, strideW=stride, strideH=stride, filterHeight=height,
            filterWidth=width, fusedActivationFunction=act)

    def slice(self, key, x, begin, end, **masks):
        operands = [x, self.ints(*begin), self.ints(*end), self.ints(*[1] * len(begin))]
        return self.op(key, "STRIDED_SLICE", operands, "StridedSliceOptions", **masks)

    def file(self):
        place = {t.name: i for i, t in enumerate(self.tensors)}
        graph = schema.SubGraphT(
            tensors=self.tensors, inputs=[place[key] for key in inputs], outputs=[place[key] for key in self.outputs],
            operators=self.operators)
        codes = [schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code) for code in self.codes]
        model = schema.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=self.buffers)
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def build(shapes):
    m = Maker(shapes)
    x, two, rows = inputs
    acts = {"NONE": PLAIN, "RELU": RELU, "RELU6": RELU6}
    paddings = {"SAME": SAME, "VALID": VALID}
    cycle = lambda i: list(acts)[(i + i // 3) % 3]
    # Windows.
    count = 0
    for size in [1, 2, 3, 5]:
        for padding in paddings:
            for stride in [1, 2, 3]:
                act = cycle(count)
                weights = [m.floats, m.halves][count // 3 % 2]
                m.conv(f"conv {size} {padding} {stride} {act}", x, 6, 3, size, paddings[padding], stride, acts[act], weights)
                count += 1
    m.conv("conv of two", two, 4, 5, 4, SAME, 2, RELU6)
    for size in [3, 5]:
        for padding in paddings:
            for stride in [1, 2]:
                act = cycle(count)
                weights = [m.halves, m.floats][count % 2]
                m.depthwise(f"depthwise {size} {padding} {stride} {act}", x, 6, size, paddings[padding], stride, acts[act], weights)
                count += 1
    m.depthwise("depthwise of two", two, 4, 2, SAME, 3)
    for height, width, padding, stride, act in [
        (2, 2, "SAME", 2, "NONE"), (2, 2, "VALID", 2, "RELU"), (3, 3, "SAME", 1, "RELU6"), (3, 3, "SAME", 2, "NONE"),
        (2, 3, "VALID", 1, "NONE"), (5, 4, "SAME", 3, "NONE"), (1, 1, "SAME", 2, "NONE")]:
        m.pool(f"pool {height} {width} {padding} {stride} {act}", x, height, width, paddings[padding], stride, acts[act])
    # Elements.
    big = m.op("inner big", "MUL", [x, m.constant(np.array([9], np.float32))], "MulOptions")
    for kind in ["RELU", "RELU6", "LOGISTIC"]:
        m.op(kind, kind, [big])
        m.op(f"{kind} of rows", kind, [rows])
    m.op("PRELU", "PRELU", [x, m.floats(1, 1, 6)])
    m.op("PRELU of halves", "PRELU", [x, m.halves(1, 1, 6)])
    first = m.op(None, "PRELU", [m.conv(None, x, 6, 4, 3, SAME, 1), m.halves(1, 1, 4)])
    m.op("PRELU twice", "PRELU", [first, m.floats(1, 1, 4)])
    for kind, options in [("ADD", "AddOptions"), ("MUL", "MulOptions")]:
        for act in acts:
            m.op(f"{kind} {act}", kind, [big, m.op(None, "LOGISTIC", [x])], options, fusedActivationFunction=acts[act])
        for shape in [(6,), (1, 1, 1, 6), (11, 1), (1, 9, 11, 6), (1,), ()]:
            m.op(f"{kind} with {list(shape)}", kind, [x, m.floats(*shape)], options)
        m.op(f"{kind} with halves before", kind, [m.halves(9, 1, 6), x], options, fusedActivationFunction=RELU6)
        m.op(f"{kind} with itself", kind, [x, x], options)
        m.op(f"{kind} of row and column", kind, [m.pool(None, x, 1, 11, VALID, 1), m.pool(None, x, 9, 1, VALID, 1)], options)
    # Structure.
    m.op("PAD channels", "PAD", [x, m.ints(0, 0, 0, 0, 0, 0, 0, 3, shape=(4, 2))], "PadOptions")
    m.op("PAD space", "PAD", [x, m.ints(0, 0, 1, 2, 0, 3, 0, 0, shape=(4, 2))], "PadOptions")
    m.op("PAD all", "PAD", [two, m.ints(1, 0, 0, 1, 2, 0, 1, 1, shape=(4, 2), kind=np.int64)], "PadOptions")
    m.op("PAD rows", "PAD", [rows, m.ints(0, 0, 2, 1, 0, 0, shape=(3, 2))])
    m.op("PAD nothing", "PAD", [rows, m.ints(0, 0, 0, 0, 0, 0, shape=(3, 2))])
    m.op("RESHAPE", "RESHAPE", [x, m.ints(1, 99, 6)], "ReshapeOptions", newShape=[1, 99, 6])
    m.op("RESHAPE open", "RESHAPE", [x, m.ints(1, -1)], "ReshapeOptions", newShape=[1, -1])
    m.op("RESHAPE by options", "RESHAPE", [rows], "ReshapeOptions", newShape=[2, 1, 5, 8])
    flat = m.op("inner flat", "RESHAPE", [x, m.ints(1, 99, 6)])
    pooled = m.op(None, "RESHAPE", [m.pool(None, x, 2, 2, SAME, 2), m.ints(1, -1, 6)])
    m.op("CONCATENATION 1", "CONCATENATION", [flat, pooled, m.floats(1, 2, 6)], "ConcatenationOptions", axis=1)
    m.op("CONCATENATION -1", "CONCATENATION", [x, big, x], "ConcatenationOptions", axis=-1)
    m.op("CONCATENATION -1 of halves", "CONCATENATION", [rows, m.halves(2, 5, 3)], "ConcatenationOptions", axis=-1)
    m.op("CONCATENATION of one", "CONCATENATION", [rows], "ConcatenationOptions", axis=2)
    m.slice("STRIDED_SLICE", x, [0, 1, 2, 0], [1, 8, 10, 2])
    m.slice("STRIDED_SLICE from the end", x, [0, -4, 0, -3], [1, -1, 11, 6])
    m.slice("STRIDED_SLICE with masks", x, [7, 2, 9, 4], [0, 0, 3, 6], beginMask=0b0101, endMask=0b0011)
    m.slice("STRIDED_SLICE beyond", rows, [-100, 1, 2], [100, 2**31 - 1, 5])
    m.slice("STRIDED_SLICE of all", rows, [0, 0, 0], [0, 0, 0], beginMask=7, endMask=7)
    # A chain that is cut out between its inner tensors.
    a = m.op("inner a", "PRELU", [m.conv(None, x, 6, 8, 3, SAME, 2, weights=m.halves), m.halves(1, 1, 8)])
    b = m.op("inner b", "ADD", [m.depthwise(None, a, 8, 3, SAME, 1), a], "AddOptions", fusedActivationFunction=RELU)
    padded = m.op(None, "PAD", [m.pool(None, b, 2, 2, SAME, 2), m.ints(0, 0, 0, 0, 0, 0, 0, 2, shape=(4, 2))], "PadOptions")
    c = m.op("inner c", "ADD", [m.conv(None, b, 8, 10, 5, SAME, 2), padded], "AddOptions")
    m.op("end of the chain", "LOGISTIC", [m.conv(None, c, 10, 2, 1, VALID, 1)])
    return m


def run(data):
    judge = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, experimental_preserve_all_tensors=True)
    judge.allocate_tensors()
    for detail in judge.get_input_details():
        judge.set_tensor(detail["index"], inputs[detail["name"]])
    judge.invoke()
    return {detail["name"]: judge.get_tensor(detail["index"]) for detail in judge.get_tensor_details()}


start = rng.bit_generator.state
values = run(build({}).file())
rng.bit_generator.state = start
maker = build({key: value.shape for key, value in values.items()})
data = maker.file()
values = run(data)
open(f"{name}.tflite", "wb").write(data)
kept = maker.outputs + ["inner a", "inner b", "inner c"]
tensors = {f"inputs/{key}": value for key, value in inputs.items()} | {f"outputs/{key}": values[key].copy() for key in kept}
assert all(np.isfinite(value).all() and np.abs(value).max() > 0.1 for value in tensors.values())
save_file(tensors, f"{name}.safetensors")
print(len(data), "bytes,", len(maker.operators), "operators,", len(kept), "outputs")
