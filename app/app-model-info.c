/* The model's facts as text and as a popover. Called by the headline and the window's menu; reads
 * the model, keeps nothing. */
#include "app-model-info.h"

#include "app-config.h"
#include "eng-figure.h"
#include "plot-format.h"

#include <glib/gi18n.h>

static char *
format_count (double n)
{
  return plot_format_value (&PLOT_UNIT_COUNT, n, 3);
}

char *
app_model_info_dup_facts (EngModel *model)
{
  g_autofree char *params = NULL;
  g_autofree char *formats = NULL;
  char *end;

  g_return_val_if_fail (ENG_IS_MODEL (model), NULL);

  params = format_count ((double)eng_model_get_n_params (model));
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    /* Translators: file format, number of parameters ("3.5 M") */
    return g_strdup_printf (_ ("%s · %s parameters"), eng_model_get_format (model), params);
  formats = eng_model_dup_formats (model);
  /* "F16 (37 tensors), F32 (13)": the first is what most weights are in. */
  if ((end = strstr (formats, " (")) != NULL)
    *end = '\0';
  /* Translators: architecture, number of parameters ("135 M"), storage format */
  return g_strdup_printf (_ ("%s · %s parameters · %s"), eng_model_get_arch (model), params,
                          formats);
}

static void
add_row (GtkGrid *grid, int *row, const char *name, const char *value)
{
  GtkWidget *key
      = g_object_new (GTK_TYPE_LABEL, "label", name, "xalign", 1.0f, "valign", GTK_ALIGN_START,
                      "css-classes", (const char *[]){ "dim-label", NULL }, NULL);
  GtkWidget *text = g_object_new (GTK_TYPE_LABEL, "label", value, "xalign", 0.0f, "wrap", TRUE,
                                  "wrap-mode", PANGO_WRAP_WORD_CHAR, "max-width-chars", 34,
                                  "width-chars", 20, "selectable", TRUE, NULL);

  if (value == NULL || *value == '\0')
    {
      g_object_ref_sink (key);
      g_object_unref (key);
      g_object_ref_sink (text);
      g_object_unref (text);
      return;
    }
  gtk_accessible_update_relation (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_RELATION_LABELLED_BY, key,
                                  NULL, -1);
  gtk_grid_attach (grid, key, 0, *row, 1, 1);
  gtk_grid_attach (grid, text, 1, *row, 1, 1);
  (*row)++;
}

GtkWidget *
app_model_info_new_popover (EngModel *model)
{
  GtkWidget *popover = gtk_popover_new ();
  GtkGrid *grid
      = GTK_GRID (g_object_new (GTK_TYPE_GRID, "row-spacing", 6, "column-spacing", 12, "margin-top",
                                6, "margin-bottom", 6, "margin-start", 6, "margin-end", 6, NULL));
  int row = 0;
  g_autofree char *params = format_count ((double)eng_model_get_n_params (model));
  g_autofree char *formats = eng_model_dup_formats (model);
  g_autofree char *bytes = eng_format_value ((double)eng_model_get_file_bytes (model), "B");
  g_autofree char *layers = g_strdup_printf ("%u", eng_model_get_n_layers (model));
  g_autofree char *ctx
      = g_strdup_printf (ngettext ("%u token", "%u tokens", eng_model_get_n_ctx_train (model)),
                         eng_model_get_n_ctx_train (model));
  g_autofree char *licence = eng_model_dup_licence (model);
  const RtTokenizer *tokenizer = eng_model_get_tokenizer (model);
  g_autofree char *vocabulary
      = tokenizer != NULL
            ? g_strdup_printf (ngettext ("%u piece", "%u pieces", rt_tokenizer_n_vocab (tokenizer)),
                               rt_tokenizer_n_vocab (tokenizer))
            : g_strdup (eng_model_get_tokenizer_error (model));
  g_autofree char *base = g_path_get_basename (eng_model_get_path (model));

  add_row (grid, &row, _ ("Name"), eng_model_get_name (model));
  add_row (grid, &row, _ ("Architecture"), eng_model_get_arch (model));
  add_row (grid, &row, _ ("Blocks"), layers);
  add_row (grid, &row, _ ("Parameters"), params);
  add_row (grid, &row, _ ("Formats"), formats);
  add_row (grid, &row, _ ("Vocabulary"), vocabulary);
  add_row (grid, &row, _ ("Trained context"), eng_model_get_n_ctx_train (model) > 0 ? ctx : NULL);
  add_row (grid, &row, _ ("Chat template"), eng_model_has_chat (model) ? _ ("yes") : _ ("no"));
  add_row (grid, &row, _ ("Licence"), licence != NULL ? licence : _ ("the file does not say"));
  add_row (grid, &row, _ ("File"), base);
  add_row (grid, &row, _ ("File size"), bytes);
  add_row (grid, &row, _ ("File format"), eng_model_get_format (model));

  gtk_popover_set_child (GTK_POPOVER (popover), GTK_WIDGET (grid));
  gtk_accessible_update_property (GTK_ACCESSIBLE (popover), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("About this model"), -1);
  return popover;
}
