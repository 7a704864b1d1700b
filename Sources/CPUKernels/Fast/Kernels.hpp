// All kernels of one instruction set: RAIN_NAMESPACE names it, RAIN_WIDTH is the number of floats in its vectors, RAIN_REGISTERS
// the number of its vector registers, RAIN_MATRIX_UNIT says whether it has a matrix unit. Included once per instruction set, so that
// every function is compiled for it; no include guard.

namespace rain::RAIN_NAMESPACE {

#include "Vector.hpp"
#include "Turn.hpp"
#include "Sides.hpp"
#include "Tile.hpp"
#include "Multiply.hpp"
#include "Rows.hpp"
#if RAIN_MATRIX_UNIT
#include "MatrixUnit.hpp"
#include "MatrixRows.hpp"
#endif
#include "Linear.hpp"
#include "Convolution.hpp"
#if RAIN_MATRIX_UNIT
#include "MatrixOuter.hpp"
#endif
#include "Outer.hpp"
#include "PanelOuter.hpp"
#include "LinearOuter.hpp"
#include "WinogradTransforms.hpp"
#include "Winograd.hpp"
#if RAIN_MATRIX_UNIT
#include "WinogradSplit.hpp"
#else
#include "WinogradProducts.hpp"
#endif
#include "WinogradRun.hpp"
#include "WinogradWeights.hpp"
#include "Choose.hpp"
#include "Elementwise.hpp"
#include "Structure.hpp"
#include "NormMoments.hpp"
#include "Norm.hpp"
#include "LayerNorm.hpp"
#include "Softmax.hpp"
#include "Windows.hpp"
#include "Sampling.hpp"
#include "AttentionShared.hpp"
#if RAIN_MATRIX_UNIT
#include "MatrixAttentionSplit.hpp"
#include "MatrixAttentionTiles.hpp"
#include "MatrixAttention.hpp"
#else
#include "Attention.hpp"
#endif
#include "AttentionGradient.hpp"
#include "TemporalRows.hpp"
#include "Temporal.hpp"

const Table table = {RAIN_KERNELS(RAIN_ENTRY)};

}  // namespace rain::RAIN_NAMESPACE
