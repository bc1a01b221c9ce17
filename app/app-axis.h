/* The layer axis as items of a plot: layers in network order, each with its operators, and the
 * engine's numbers laid out along it. */
#pragma once

#include "eng-profile.h"
#include "plot-lanes.h"

G_BEGIN_DECLS

typedef struct _AppAxis AppAxis;

/* From the most that is known: the nodes of @profile as executed, else those of @build, else the
 * bare layers. Both are nullable. Copies what it needs. */
AppAxis *app_axis_new (EngModel *model, EngProfile *profile, EngBuild *build);
void app_axis_free (AppAxis *axis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppAxis, app_axis_free)

/* TRUE when both have the same items in the same order: then a plot need not be told. */
gboolean app_axis_equal (const AppAxis *a, const AppAxis *b);
void app_axis_install (const AppAxis *axis, PlotLanes *lanes);

guint app_axis_n_items (const AppAxis *axis);
int app_axis_get_layer (const AppAxis *axis, guint item);
/* The node's name, NULL for an item that is a whole layer. */
const char *app_axis_get_node_name (const AppAxis *axis, guint item);
/* -1 when there is none. */
int app_axis_find (const AppAxis *axis, int layer, const char *node);

/* The fills below write n_items values each; absent ones are NaN. Arrays are [n_items]; nodes are
 * matched by name, so that a run of another build (fused otherwise) lines up where it can. Times in
 * ns, sizes in bytes. */
void app_axis_fill_latency (const AppAxis *axis, EngProfile *profile, RtPhase phase, double *median,
                            double *low, double *high);
/* Any values of the layers [n_layers + 2: index layer + 1] and nodes [n_nodes] of @profile; either
 * NULL: none. */
void app_axis_fill_values (const AppAxis *axis, EngProfile *profile, const double *layers,
                           const double *nodes, double *values);
void app_axis_fill_memory (const AppAxis *axis, EngProfile *profile, double *weights,
                           double *activations, double *kv);
void app_axis_fill_build_memory (const AppAxis *axis, EngBuild *build, double *weights,
                                 double *activations, double *kv);
/* What the techniques expect of @recipe, layer by layer. */
void app_axis_fill_estimates (const AppAxis *axis, EngModel *model, EngRecipe *recipe,
                              double *weights, double *kv);

/* Index of the node behind @item in @profile, -1 for a layer or when @profile has no such node. */
int app_axis_find_profile_node (const AppAxis *axis, EngProfile *profile, guint item);

G_END_DECLS
