/* The functions that fill a table's families, one per family and instruction set. Each overwrites the members it
 * has and leaves the rest, so a better level inherits what it does not improve. */
#pragma once

#include "kn-table.h"
