/* Evaluations: everything about them is in eval/. */
#pragma once

#include "eng-figure.h"
#include "eval/eng-evaluate.h"
