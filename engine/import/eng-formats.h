/* The rows of the table of formats; each in its own file. */
#pragma once

#include "eng-format.h"

G_BEGIN_DECLS

G_END_DECLS
