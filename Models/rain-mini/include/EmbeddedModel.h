#ifndef EMBEDDED_MODEL_H
#define EMBEDDED_MODEL_H

#include <stddef.h>
#include <stdint.h>

/// A file of rain-mini inside the program; `count` is 0 if the program was built without it.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} RainEmbeddedFile;

/// `model.json`
RainEmbeddedFile rain_mini_description(void);
/// `rain-mini.safetensors`
RainEmbeddedFile rain_mini_weights(void);

#endif
