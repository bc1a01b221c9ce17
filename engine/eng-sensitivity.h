/* Measuring accuracy per layer: on a worker, cancellable, kept unit by unit so that it goes on
 * where it was stopped. */
#pragma once

#include "eng-build.h"
#include "eng-history.h"
#include "eng-layer-error.h"

G_BEGIN_DECLS

typedef struct
{
  /* Language models: a text (UTF-8), cut into windows. */
  const char *text;
  const char *text_name; /* for people: "novel.txt" */
  guint n_windows;       /* 0: ENG_SENSITIVITY_WINDOWS; fewer where the text is short */
  guint n_tokens;        /* of a window; 0: ENG_SENSITIVITY_TOKENS */
  gboolean by_matrix;    /* change one weight matrix at a time, not one layer; about seven times the
                          * work */
  /* Networks: a labelled set or a folder as eng_data_set_open() reads it, or one file; NULL: random
   * inputs. */
  const char *inputs;
  guint n_inputs;      /* at most; 0: ENG_SENSITIVITY_INPUTS */
  EngModel *reference; /* another file of the same network to compare with: the float original of
                        * one that is quantized in its file. NULL: the model itself, without the
                        * recipe's changes */
} EngSensitivityConfig;

#define ENG_SENSITIVITY_WINDOWS 16
#define ENG_SENSITIVITY_TOKENS 128
#define ENG_SENSITIVITY_INPUTS 64

/* @so_far is complete up to a layer of a unit; called on the worker. */
typedef void (*EngSensitivityFunc) (EngLayerErrors *so_far, gpointer user_data);

/* Blocking. Measures what @build's changing techniques cost in every layer against the same model
 * and recipe without them, which is lowered first and shares what weights it can. What @history
 * (nullable) keeps of an earlier, unfinished measurement is not done again. Runs on threads of its
 * own; @build is only read: its executor stays free, but timings taken meanwhile are disturbed.
 * @job (nullable) gets progress and may cancel (G_IO_ERROR_CANCELLED; what was measured is kept).
 * Errors: no tokenizer, a text of less than one window, inputs that do not fit. */
EngLayerErrors *eng_sensitivity_measure (EngBuild *build, const EngSensitivityConfig *config,
                                         EngHistory *history, EngJob *job, EngSensitivityFunc func,
                                         gpointer user_data, GError **error);

/* What @history has for this model, recipe and data; NULL without @error: nothing. Layers of a
 * language model that another recipe changes in the same way are borrowed from there: after two
 * formats were measured, every mixture of them is known layer by layer. Runs nothing; tenths of a
 * second (the text is cut into tokens). */
EngLayerErrors *eng_sensitivity_load (EngModel *model, EngRecipe *recipe,
                                      const EngSensitivityConfig *config, EngHistory *history,
                                      GError **error);

/* Why there is nothing to measure for this model and recipe; newly allocated, NULL: there is. */
char *eng_sensitivity_why_not (EngModel *model, EngRecipe *recipe);

/* The bundled texts, all of them, and what they are called: the text when nobody chose another. */
char *eng_sensitivity_dup_default_text (char **name, GError **error);

/* What results are kept under: model, the techniques that change results, data and how it is cut,
 * and this program's version. SHA-256, hex. */
char *eng_sensitivity_dup_key (EngModel *model, EngRecipe *recipe,
                               const EngSensitivityConfig *config);

/* Tokens that are run through whole networks in all, from which the time follows: every layer of
 * every window runs the rest of the network. */
double eng_sensitivity_n_tokens (EngModel *model, const EngSensitivityConfig *config);

G_END_DECLS
