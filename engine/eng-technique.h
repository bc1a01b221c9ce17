/* The technique table. One file per technique fills one row; the window draws its controls, the
 * command line its flags and the recipe its fields from it. Adding one: one file in techniques/,
 * one line in eng-technique.c, one test. */
#pragma once

#include "eng-model.h"
#include "eng-recipe.h"

G_BEGIN_DECLS

typedef struct _EngLowering EngLowering; /* eng-lowering.h: the build being made */
/* eng-lowering.h: a weight matrix on its way to its packed form */
typedef struct _EngMatrix EngMatrix;
typedef struct _EngRun EngRun; /* eng-run.h: a measurement */

typedef enum
{
  ENG_PARAM_CHOICE,
  ENG_PARAM_INT,
  ENG_PARAM_REAL,
  ENG_PARAM_SWITCH,
  ENG_PARAM_PATH,  /* a folder or a file; "": none */
  ENG_PARAM_MODEL, /* the path of another model's file; "": none. Windows list the models that there
                    * are, see EngParam.refuse */
} EngParamKind;

typedef struct
{
  const char *id;      /* "q4_0" */
  const char *title;   /* "Q4_0" */
  const char *summary; /* "4.5 bits per weight, one scale per 32" */
} EngChoice;

typedef struct
{
  const char *id;      /* "format" */
  const char *title;   /* "Weight format" */
  const char *summary; /* one sentence */
  const char *unit;    /* "threads", "tokens", or NULL */
  EngParamKind kind;
  gboolean per_layer;       /* may be set by rules */
  const EngChoice *choices; /* CHOICE: ends with id NULL */
  const char *default_choice;
  double default_value, min, max, step; /* INT, REAL, SWITCH (0/1) */
  /* MODEL: why the model in the file @path cannot be used beside @model, in one sentence, newly
   * allocated; NULL: it can. It opens the file, so it is asked on a worker (any thread; tens of
   * milliseconds). NULL member: every model can. */
  char *(*refuse) (EngModel *model, const char *path);
} EngParam;

/* The predicted effect of a recipe on one layer or on the whole, from sizes and the machine's
 * roofs: always shown as an estimate. */
typedef struct
{
  double weight_bytes;
  double kv_bytes;
} EngEstimate;

typedef struct
{
  const char *id; /* "weight-format" */
  const char *title;
  const char *group;   /* "Quantization", "Memory", "Execution" */
  const char *summary; /* one honest sentence on what it trades */
  const char *papers;  /* "Dettmers et al. 2022; ..." */
  const EngParam *params;
  guint n_params;
  gboolean language; /* of language models only: views of a network leave it out */
  gboolean network;  /* the other way round */
  gboolean lossy;    /* results differ from those of the file's numbers: what accuracy is compared
                      * without */
  gboolean in_file;  /* a saved build's tensors already hold what it does: not done again when that
                      * file is opened */

  /* NULL: yes. Otherwise the reason why not, newly allocated, shown to the user. */
  char *(*applies) (EngModel *model);
  /* Numeric bounds for controls and the default that depend on model or machine (context length,
   * core count); may be NULL. Called with the parameter's own values filled in; @model may be NULL
   * (no model open). A recipe may hold what lies outside these but inside the parameter's own range
   * (it may come from another machine): apply() then takes the nearest that is possible and says so
   * in a note. */
  void (*limits) (EngModel *model, const EngParam *param, double *min, double *max,
                  double *default_value);
  /* Whether @param has any effect as the recipe stands: controls of one that has none are not
   * shown. NULL: all have. */
  gboolean (*matters) (EngRecipe *recipe, const EngParam *param);
  /* Milliseconds at most. Adds this technique's share for @layer (the layer axis). May be NULL. */
  void (*estimate) (EngModel *model, EngRecipe *recipe, int layer, EngEstimate *estimate);
  /* Before formats are chosen: the source graph with fewer nodes or other shapes (rt-surgery.h).
   * Weights keep names; the numbers of changed ones come in edit(). A new graph, which may borrow
   * constants of @source; NULL without @error: as it is. Also for sketches, in milliseconds. May be
   * NULL. */
  RtGraph *(*transform) (EngLowering *lowering, const RtGraph *source, GError **error);
  /* Make it so. Reports notes through eng_lowering_note() where it could not do what was asked for
   * a tensor; marks (eng_lowering_mark()) those whose numbers edit() or quantize() will change. */
  gboolean (*apply) (EngLowering *lowering, GError **error);
  /* Change the numbers, or the shape as transform() promised it, of a marked matrix. May be
   * NULL. */
  gboolean (*edit) (EngLowering *lowering, EngMatrix *matrix, GError **error);
  /* Write the rows of a marked matrix as blocks of @dtype, kn_row_bytes() apart, instead of
   * rounding every number to nearest. One technique per tensor. May be NULL. */
  gboolean (*quantize) (EngLowering *lowering, const EngMatrix *matrix, int dtype, guint8 *blocks,
                        GError **error);
  /* Rewrite the fused graph, as apply() decided. A new graph, which may borrow constants of @graph;
   * NULL without @error: as it is. May be NULL. */
  RtGraph *(*rewrite) (EngLowering *lowering, const RtGraph *graph, GError **error);
  /* Recipes whose kernels are timed with those of @recipe besides those one choice away, because
   * verdict() compares them: number @index, NULL after the last. May be NULL. */
  EngRecipe *(*timed) (EngModel *model, EngRecipe *recipe, guint index);
  /* What it is worth on this machine for this layer, in a sentence: how much faster or slower by
   * measured times of one source (eng-worth.h), and from when on it pays; or why that is not known
   * yet, without a number. @run (nullable): of this recipe, its own times count. Milliseconds;
   * asked on a worker. NULL: nothing of the layer is set; newly allocated. The idle measurement
   * times what it compares before all else: @recipe, @recipe without the technique, and timed().
   * May be NULL. */
  char *(*verdict) (EngModel *model, EngRecipe *recipe, EngRun *run, int layer);
  /* What it did to this layer, in numbers; newly allocated, NULL when nothing. */
  char *(*explain) (EngModel *model, EngRecipe *recipe, int layer);
  /* A few words for titles and lists ("Q4_0 weights"); newly allocated, NULL when not worth a word.
   * May be NULL. */
  char *(*describe) (EngRecipe *recipe);
} EngTechnique;

const EngTechnique *const *eng_technique_list (guint *n);
const EngTechnique *eng_technique_find (const char *id);
const EngParam *eng_technique_find_param (const EngTechnique *technique, const char *id);

/* The bounds and the default of a numeric parameter here: the parameter's own, narrowed by
 * limits(). @model may be NULL. */
void eng_technique_limits (const EngTechnique *technique, EngModel *model, const EngParam *param,
                           double *min, double *max, double *default_value);
/* The whole number in force for @model: as the recipe sets it, else the default for this model on
 * this machine. Not yet clamped to the limits. */
gint64 eng_technique_get_int (const EngTechnique *technique, EngModel *model, EngRecipe *recipe,
                              const char *param);

G_END_DECLS
