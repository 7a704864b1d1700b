"""Makes blob_detector.onnx and blob_keypoints.onnx: networks with the inputs and outputs of YOLOX and of DWPose that find what is bright.

The detector's cells are sure where the picture is bright; every point of the keypoint network lies in the brightest column and row.
Needs onnx and numpy. Run in this folder.
"""
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def network(name, size, build, outputs):
    nodes, weights = [], []

    def weight(array):
        weights.append(numpy_helper.from_array(np.asarray(array), f"w{len(weights)}"))
        return weights[-1].name

    def op(kind, *operands, out=None, **attributes):
        out = out or f"v{len(nodes)}"
        nodes.append(helper.make_node(kind, list(operands), [out], name=f"{kind}_{len(nodes)}", **attributes))
        return out

    build(op, weight)
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, size[0], size[1]])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.checker.check_model(model)
    onnx.save(model, name + ".onnx")


f32 = lambda values, *shape: np.array(values, np.float32).reshape(shape)


def detector(op, weight):
    grey = op("Conv", "images", weight(np.full((1, 3, 1, 1), 1 / 765, np.float32)))
    heads = []
    for stride in [8, 16, 32]:
        mean = op("Conv", grey, weight(np.full((1, 1, stride, stride), 1 / stride**2, np.float32)), strides=[stride, stride])
        size = math.log(24 / stride)
        boxes = op("Conv", mean, weight(np.zeros((4, 1, 1, 1), np.float32)), weight(f32([0.5, 0.5, size, size], 4)))
        sure = op("Sigmoid", op("Conv", mean, weight(f32([20], 1, 1, 1, 1)), weight(f32([-10], 1))))
        person = op("Sigmoid", op("Conv", mean, weight(f32([0], 1, 1, 1, 1)), weight(f32([9], 1))))
        head = op("Concat", boxes, sure, person, axis=1)
        heads.append(op("Reshape", head, weight(np.array([1, 6, -1], np.int64))))
    op("Transpose", op("Concat", *heads, axis=2), out="output", perm=[0, 2, 1])


def keypoints(op, weight, height=48, width=36):
    for name, axes, extent in [("simcc_x", [1, 2], width), ("simcc_y", [1, 3], height)]:
        profile = op("ReduceMean", "images", axes=axes, keepdims=0)
        bins = op("MatMul", profile, weight(np.repeat(np.eye(extent, dtype=np.float32), 2, axis=1)))
        rows = op("Unsqueeze", op("Sigmoid", bins), axes=[1])
        op("Expand", rows, weight(np.array([1, 133, 2 * extent], np.int64)), out=name)


network("blob_detector", (64, 64), detector, [("output", [1, 84, 6])])
network("blob_keypoints", (48, 36), keypoints, [("simcc_x", [1, 133, 72]), ("simcc_y", [1, 133, 96])])
