/* What a network is, as rows of names and values for the popover about the model. */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

/* "conv ×13, add ×3", most frequent first. */
char *app_network_info_dup_operators (const RtGraph *graph);
/* One port per line: "input: u8 [1, 224, 224, 3]". */
char *app_network_info_dup_ports (const EngImported *imported, const EngPort *ports, guint n);
/* "602 M operations an inference, about 301 M multiply-adds"; NULL when @build is. */
char *app_network_info_dup_arithmetic (EngBuild *build);
/* Where the card is from: what its numbers rest on. */
char *app_network_info_dup_origin (EngCard *card);

/* Calls @add with a translated name and a value (NULL or "": nothing to say) for every row of a
 * network. */
void app_network_info_foreach (EngModel *model, EngBuild *build,
                               void (*add) (const char *name, const char *value, gpointer data),
                               gpointer data);

G_END_DECLS
