/* For tasks: making a result. Everything is copied or referenced. */
#pragma once

#include "eng-result.h"

G_BEGIN_DECLS

EngResult *eng_result_new (EngResultKind kind, EngInput *input);
/* best first */
void eng_result_add_score (EngResult *result, guint index, const char *label, double score);
void eng_result_add_box (EngResult *result, const EngBox *box);
void eng_result_add_point (EngResult *result, const EngPoint *point);
void eng_result_set_edges (EngResult *result, const guint8 *edges, guint n_edges);
void eng_result_take_mask (EngResult *result, guint8 *mask, guint width, guint height,
                           gboolean soft);
void eng_result_set_class_names (EngResult *result, const char *const *names);
void eng_result_set_picture (EngResult *result, EngPicture *picture);
/* x0, y0, x1, y1 */
void eng_result_set_frame (EngResult *result, const double frame[4], guint width, guint height);
void eng_result_set_sound (EngResult *result, EngSound *sound);
void eng_result_add_series (EngResult *result, const char *name, const double *values, guint n);
void eng_result_set_series_times (EngResult *result, double start_s, double step_s);
void eng_result_set_value (EngResult *result, double value, double threshold);
void eng_result_set_text (EngResult *result, const char *text);
void eng_result_add_output (EngResult *result, const EngOutputStats *stats);

G_END_DECLS
