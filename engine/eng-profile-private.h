/* What eng-profile.c, eng-profiler.c and eng-profile-json.c share. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-counts.h"
#include "eng-profile.h"

G_BEGIN_DECLS

#define ENG_N_PHASES RT_N_PHASES

/* What does not change while a build runs: shared by all its snapshots. */
typedef struct
{
  gatomicrefcount ref_count;
  guint n_nodes;
  int n_layers;
  char **names;                 /* [n_nodes] */
  char **ops;                   /* [n_nodes] operators' titles */
  int *layers;                  /* [n_nodes] */
  GStrv *sources;               /* [n_nodes] */
  EngArithmetic *arithmetics;   /* [n_nodes] */
  const char **signatures;      /* [n_nodes] interned; NULL: not known */
  const char **skips;           /* [n_nodes] interned; NULL: nothing */
  EngLayerMemory *node_memory;  /* [n_nodes] */
  EngLayerMemory *layer_memory; /* [n_layers + 2] */
  char **layer_names;           /* [n_layers + 2]; NULL entries: not known */
} EngProfileInfo;

EngProfileInfo *eng_profile_info_new (guint n_nodes,
                                      int n_layers); /* arrays zeroed, for the caller to fill */
EngProfileInfo *eng_profile_info_ref (EngProfileInfo *info);
void eng_profile_info_unref (EngProfileInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngProfileInfo, eng_profile_info_unref)

struct _EngProfile
{
  gatomicrefcount ref_count;
  EngProfileInfo *info;
  EngPhaseProfile phases[ENG_N_PHASES];
  RtCost *costs[ENG_N_PHASES]; /* [n_nodes] */
  EngCounts counts;
  RtTally *tallies; /* [n_nodes] of this run */
  guint64 n_lost;
};

EngProfile *eng_profile_new (EngProfileInfo *info); /* nothing measured, for the caller to fill */

/* The member "skipped" of the node's object that is open, where there is anything to say. */
void eng_profile_write_skipped (EngProfile *profile, guint node, JsonBuilder *builder);
void eng_profile_read_skipped (EngProfile *profile, guint node, JsonObject *object);

/* One JSON object, written as the member @name of the object that is open. */
void eng_profile_write (EngProfile *profile, JsonBuilder *builder, const char *name);
EngProfile *eng_profile_read (JsonObject *object, GError **error);

G_END_DECLS
