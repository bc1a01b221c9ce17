#pragma once

#include <libintl.h>

/* Words in the program's language, from the program's own text domain: the library has none. */
#define _(text) gettext (text)
#define N_(text) (text)
