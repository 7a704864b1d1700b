// The files of the studio's page. Bytes are handed out one by one, so that whoever asks needs no pointers.
#pragma once

#include <stdint.h>

// How many files there are.
long studio_page_count(void);
// A byte of a file's name; 0 after the last.
uint8_t studio_page_name_byte(long file, long index);
// A file's length in bytes.
long studio_page_length(long file);
// A byte of a file.
uint8_t studio_page_byte(long file, long index);
