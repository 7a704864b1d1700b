import CPUKernels
import RainGraph

extension Plan {
    /// The geometry of a window over `[n, h, w, c]` that treats each channel by itself.
    private func window(_ geometry: Convolution, height: Int, width: Int, over input: Shape, to result: Shape) -> RainConv {
        RainConv(
            batch: input[0], height: input[1], width: input[2], channels: input[3], out_channels: input[3], kernel_height: height,
            kernel_width: width, stride: geometry.stride, pad_top: geometry.padding[0], pad_left: geometry.padding[1],
            pad_bottom: geometry.padding[2], pad_right: geometry.padding[3], out_height: result[1], out_width: result[2], upsample: 0)
    }

    func window(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let result = pointer(ValueID(node: index))
        let shape = node.results[0]
        switch node.operation {
        case .depthwiseConvolution(let geometry, let after):
            let kernel = graph.shape(node.operands[1])
            let planned = window(geometry, height: kernel[0], width: kernel[1], over: graph.shape(node.operands[0]), to: shape)
            let (x, weight) = (pointer(node.operands[0]), pointer(node.operands[1]))
            let after = epilogue(after, index)
            return {
                var (planned, after) = (planned, after)
                rain_conv_depthwise(pool, &planned, x, weight, &after, result)
            }
        case .maxPool(let geometry, let height, let width):
            let planned = window(geometry, height: height, width: width, over: graph.shape(node.operands[0]), to: shape)
            let x = pointer(node.operands[0])
            return {
                var planned = planned
                rain_max_pool(pool, &planned, x, result)
            }
        case .softmax:
            let x = pointer(node.operands[0])
            return { rain_softmax(pool, shape.count / shape.last, shape.last, x, result) }
        default: return nil
        }
    }
}
