/* Names of nodes as they stand on boxes and under axes: without what all of them have in common.
 * The whole name is on the card and in the tables. */
#pragma once

#include <glib.h>

#include "rt-graph.h"

G_BEGIN_DECLS

/* The path that nearly all names of nodes in blocks begin with: "MobilenetV2/", "" when there is
 * none. New. */
char *app_names_dup_path (const RtGraph *graph);
/* @name without @path, and without what a converter glued to it with ';' when it fused nodes.
 * New. */
char *app_names_dup_short (const char *path, const char *name);
/* The short name of @node: of the node of the file, where it has only got a number behind that.
 * New. */
char *app_names_dup_node (const char *path, const RtNode *node);
/* The first of the names that were glued. New. */
char *app_names_dup_first (const char *name);

G_END_DECLS
