// Puts the page into the program, so that one file is all that a user needs. An existing build folder notices changed page files
// only when this file changes as well (touch it).

#include "StudioPage.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t index_html[] = {
#embed "Page/index.html"
};
static const uint8_t style_css[] = {
#embed "Page/style.css"
};
static const uint8_t main_js[] = {
#embed "Page/main.js"
};
static const uint8_t camera_js[] = {
#embed "Page/camera.js"
};
static const uint8_t film_js[] = {
#embed "Page/film.js"
};
static const uint8_t input_js[] = {
#embed "Page/input.js"
};
static const uint8_t connection_js[] = {
#embed "Page/connection.js"
};
static const uint8_t driving_js[] = {
#embed "Page/driving.js"
};
static const uint8_t measure_js[] = {
#embed "Page/measure.js"
};
static const uint8_t video_js[] = {
#embed "Page/video.js"
};
static const uint8_t place_js[] = {
#embed "Page/place.js"
};
static const uint8_t recent_js[] = {
#embed "Page/recent.js"
};
static const uint8_t links_js[] = {
#embed "Page/links.js"
};
static const uint8_t icon_svg[] = {
#embed "Page/icon.svg"
};
static const uint8_t openapi_json[] = {
#embed "Page/openapi.json"
};

static const struct {
    const char *name;
    const uint8_t *bytes;
    long length;
} files[] = {
    {"index.html", index_html, sizeof index_html},
    {"style.css", style_css, sizeof style_css},
    {"main.js", main_js, sizeof main_js},
    {"camera.js", camera_js, sizeof camera_js},
    {"film.js", film_js, sizeof film_js},
    {"input.js", input_js, sizeof input_js},
    {"connection.js", connection_js, sizeof connection_js},
    {"driving.js", driving_js, sizeof driving_js},
    {"measure.js", measure_js, sizeof measure_js},
    {"video.js", video_js, sizeof video_js},
    {"place.js", place_js, sizeof place_js},
    {"recent.js", recent_js, sizeof recent_js},
    {"links.js", links_js, sizeof links_js},
    {"icon.svg", icon_svg, sizeof icon_svg},
    {"openapi.json", openapi_json, sizeof openapi_json},
};

long studio_page_count(void) { return sizeof files / sizeof *files; }
uint8_t studio_page_name_byte(long file, long index) { return (uint8_t)files[file].name[index]; }
long studio_page_length(long file) { return files[file].length; }
uint8_t studio_page_byte(long file, long index) { return files[file].bytes[index]; }
