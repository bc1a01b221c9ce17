/* Front ends and tasks: what turns an input into the network's tensors, and the network's tensors
 * into a result. One file each, one row each in eng-task.c. A card (eng-card.h) says which a
 * network has and with which numbers.
 *
 *     EngInput ─► front end ─► [nodes before] ─► network ─► [nodes behind] ─► task ─► EngResult
 *                 begin, feed                                              collect, finish
 *
 * One input is one or more steps (frames of a sound, each one run of the graph). */
#pragma once

#include "eng-build.h"
#include "eng-result.h"
#include "eng-surround.h"
#include "ops/rt-ops-move.h"

G_BEGIN_DECLS

typedef struct _EngTaskRun EngTaskRun;

typedef struct
{
  const char *id;    /* "picture" */
  const char *title; /* "Pictures" */
  guint inputs;      /* 1 << EngInputKind that it takes; random ones always */
  /* Put its nodes before the network. NULL: none. */
  gboolean (*surround) (EngSurround *surround, GError **error);
  /* Take @input: sets n_steps, symbols, and what the task needs to know. States are as at the
   * beginning. */
  gboolean (*begin) (EngTaskRun *run, EngInput *input, GError **error);
  /* Set the graph's inputs for @step. Cannot fail; part of what is timed. */
  void (*feed) (EngTaskRun *run, guint step);
} EngFront;

typedef struct
{
  const char *id;    /* "classify" */
  const char *title; /* "Classification" */
  /* Check that the outputs are what the card says, and put nodes behind the network. NULL:
   * neither. */
  gboolean (*surround) (EngSurround *surround, GError **error);
  gboolean (*begin) (EngTaskRun *run, GError **error); /* NULL: nothing to do */
  void (*collect) (EngTaskRun *run, guint step);       /* after each step; NULL: only the last
                                                        * counts */
  EngResult *(*finish) (EngTaskRun *run);              /* after the last step; never NULL */
} EngTask;

const EngFront *eng_front_find (const char *id);
const EngTask *eng_task_find (const char *id);
const EngTask *const *eng_task_list (guint *n);
char *eng_front_dup_list (void); /* "picture, tensor": for messages */
char *eng_task_dup_list (void);

/* ---- running ---- */

/* A build with the front end and task of its model, for any number of inputs. Not for two threads
 * at once. */
struct _EngTaskRun
{
  EngBuild *build; /* referenced: the one that was given, or its bare one for tensors */
  EngModel *model;
  EngCard *card;
  RtExec *exec;
  const RtGraph *graph;
  const EngFront *front;
  const EngTask *task;
  gboolean bare; /* without the front end's and the task's nodes: the outputs are the file's */
  guint n_inputs, n_outputs;
  RtValueId *inputs, *outputs; /* in the executed graph */

  /* Of the current input. */
  EngInput *input;
  guint n_steps;
  guint n_warm; /* of them, at the beginning, only fill the network's memory: their outputs say
                 * nothing yet */
  int64_t symbols[RT_N_SYMBOLS];
  gboolean has_frame;
  RtPictureFrame frame; /* where the network's picture lies in the input's, in pixels */
  guint picture_width, picture_height;
  gboolean has_region; /* the network's picture is a part of the input's, turned: shares (u, v) of
                        * it are shares */
  float region[6];     /* [0] u + [1] v + [2], [3] u + [4] v + [5] of the input's */
  guint frame_width, frame_height; /* in how many pixels the network sees the frame; 0: no frame */
  guint rate_hz;                   /* of the sound as the network hears it; 0: no sound */
  double step_s;                   /* from step to step */
  double start_s;                  /* moment that the first step after the warm ones is about */
  gpointer region_finder;          /* EngRegion, for all inputs; made for the first */
  gboolean region_known;           /* whether it is needed is known */
  EngTaskRun *second;              /* a second stage, the same way */
  gboolean second_known;
  char *note;                     /* what a person should know of how inputs are fed; NULL:
                                   * nothing */
  struct _EngTaskFar *far;        /* the network runs elsewhere (eng-task-far.c); NULL: here */
  gpointer front_data, task_data; /* GObject-free memory of theirs */
  GDestroyNotify front_free, task_free;
};

/* @kind: of the inputs that will be given: tensors go to the bare build where there is a front
 * end. */
EngTaskRun *eng_task_run_new (EngBuild *build, EngInputKind kind, GError **error);
void eng_task_run_free (EngTaskRun *run); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTaskRun, eng_task_run_free)

/* A run whose network is elsewhere, on a board: front end and task work here, on graphs that have
 * their nodes alone, and what lies between is asked of @infer. @inputs: the bytes of the bare
 * build's input values, one after the other in its graph's order. Fills @outputs, each of
 * eng_task_far_output_bytes(), in the order of eng_task_far_output_name(). The build itself is not
 * run. */
typedef gboolean (*EngTaskFarInfer) (EngTaskRun *run, const guint8 *inputs, gsize n_bytes,
                                     guint8 *const *outputs, gpointer user_data, RtError *error);
EngTaskRun *eng_task_run_new_far (EngBuild *build, EngInputKind kind, EngTaskFarInfer infer,
                                  gpointer user_data, GError **error);
guint eng_task_far_n_outputs (EngTaskRun *run);
const char *eng_task_far_output_name (EngTaskRun *run, guint index);
gsize eng_task_far_output_bytes (EngTaskRun *run, guint index);
int eng_task_far_output_type (EngTaskRun *run, guint index); /* RtType */
/* Whether the network keeps states from step to step of one input. */
gboolean eng_task_far_has_states (EngTaskRun *run);

/* Whether inputs of @kind can be fed; FALSE sets @error, which says what can. */
gboolean eng_task_run_begin (EngTaskRun *run, EngInput *input, GError **error);
/* Each for one step: feed (), infer (), collect (); after the last finish (). */
void eng_task_run_feed (EngTaskRun *run, guint step);
gboolean eng_task_run_infer (EngTaskRun *run, RtError *error);
void eng_task_run_collect (EngTaskRun *run, guint step);
EngResult *eng_task_run_finish (EngTaskRun *run);
/* All of it, for one input. */
EngResult *eng_task_run_all (EngTaskRun *run, EngInput *input, GError **error);

/* ---- for front ends and tasks ---- */

/* Output @index as real numbers, quantized ones made real; g_free(). *@shape (nullable): in this
 * run. */
float *eng_task_dup_output (EngTaskRun *run, guint index, gsize *n, RtShape *shape);
/* The output whose name is @name, or contains it; G_MAXUINT: none. */
guint eng_task_find_output (EngTaskRun *run, const char *name);
/* Give the front end's or the task's memory to the run. */
void eng_task_set_front_data (EngTaskRun *run, gpointer data, GDestroyNotify free);
void eng_task_set_task_data (EngTaskRun *run, gpointer data, GDestroyNotify free);
/* A point of the network's picture, in shares of it, as shares of the input's. Without a picture it
 * stays as it is. */
void eng_task_map_point (EngTaskRun *run, float *x, float *y);
/* Real numbers into the element type and quantization of graph input @index. */
void eng_task_feed_floats (EngTaskRun *run, guint index, const float *values, gsize n);

G_END_DECLS
