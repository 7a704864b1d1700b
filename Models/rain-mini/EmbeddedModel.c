// Puts the model into the program, so that one file is all that a user needs. An existing build folder notices new model files
// only when this file changes as well.

#include "EmbeddedModel.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// Eight bytes alignment, as safetensors promises its readers relative to the start of the file.
#if __has_embed("model.json") == __STDC_EMBED_FOUND__
static _Alignas(8) const uint8_t description[] = {
#embed "model.json"
};
#define DESCRIPTION_COUNT sizeof description
#else
static const uint8_t description[1] = {0};
#define DESCRIPTION_COUNT 0
#endif

#if __has_embed("rain-mini.safetensors") == __STDC_EMBED_FOUND__
static _Alignas(8) const uint8_t weights[] = {
#embed "rain-mini.safetensors"
};
#define WEIGHTS_COUNT sizeof weights
#else
static const uint8_t weights[1] = {0};
#define WEIGHTS_COUNT 0
#endif

RainEmbeddedFile rain_mini_description(void) { return (RainEmbeddedFile){description, DESCRIPTION_COUNT}; }

RainEmbeddedFile rain_mini_weights(void) { return (RainEmbeddedFile){weights, WEIGHTS_COUNT}; }
