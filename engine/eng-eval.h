/* Evaluation: a build over a labelled set, as an accuracy with its interval. A classifier's best class is the label; something that listens for one thing
 * (a task with a threshold) is above it where the label names that thing, and nowhere else. */
#pragma once

#include "eng-build.h"
#include "eng-figure.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  int label;     /* class that the set says; -1: none of the network's. For a threshold: 1: the thing that is listened for, 0: another */
  int predicted; /* class with the best score; 1: above the threshold, 0: never */
  gboolean top5;
} EngPrediction;

typedef struct
{
  char *metric;       /* "top-1 accuracy", "heard or not" */
  char *label_source; /* where the labels are from */
  guint n;            /* samples with a label */
  guint n_unlabelled; /* left out: their label is none of the network's, or they have none */
  guint n_unreadable;   /* left out: files that are no inputs of the network (licences, networks) */
  char *unreadable;     /* the first of them and why; NULL: none */
  guint n_top1, n_top5;
  EngFigure top1, top5; /* % with the 95 % score interval; top-5 is unavailable for fewer than 6 classes */
  EngFigure ms;         /* per sample, clean */
  GArray *predictions;  /* EngPrediction, in the set's order, those without a label too */
} EngEval;

/* Blocking; from a worker or the command line. @job (nullable) gets progress and may cancel. Fails when no sample can be read, when the task has no
 * labelled metric, or when no sample's label is one of the network's classes. */
EngEval *eng_eval_new (EngBuild *build, const char *data, EngJob *job, GError **error);
void eng_eval_free (EngEval *eval);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngEval, eng_eval_free)

/* The share of samples that two evaluations of one set say the same of, as a figure in %. */
EngFigure eng_eval_agreement (const EngEval *a, const EngEval *b);

/* @n_hits of @n as a share in %, with Wilson's 95 % score interval (Wilson 1927, equation 4). */
EngFigure eng_figure_share (guint n_hits, guint n);

G_END_DECLS
