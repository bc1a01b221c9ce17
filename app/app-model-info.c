/* The model's facts as text and as a popover. Called by the headline and the window's menu; reads
 * the model, keeps nothing. */
#include "app-model-info.h"

#include "app-config.h"
#include "app-network-info.h"
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

typedef struct
{
  GtkGrid *grid;
  int row;
} Rows;

static void
add_row (const char *name, const char *value, gpointer data)
{
  Rows *rows = data;
  GtkWidget *key, *text;

  if (value == NULL || *value == '\0')
    return;
  key = g_object_new (GTK_TYPE_LABEL, "label", name, "xalign", 1.0f, "valign", GTK_ALIGN_START,
                      "css-classes", (const char *[]){ "dim-label", NULL }, NULL);
  text = g_object_new (GTK_TYPE_LABEL, "label", value, "xalign", 0.0f, "wrap", TRUE, "wrap-mode",
                       PANGO_WRAP_WORD_CHAR, "max-width-chars", 34, "width-chars", 20, "selectable",
                       TRUE, NULL);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_RELATION_LABELLED_BY, key,
                                  NULL, -1);
  gtk_grid_attach (rows->grid, key, 0, rows->row, 1, 1);
  gtk_grid_attach (rows->grid, text, 1, rows->row, 1, 1);
  rows->row++;
}

static void
add_language_rows (EngModel *model, Rows *rows)
{
  const RtTokenizer *tokenizer = eng_model_get_tokenizer (model);
  g_autofree char *layers = g_strdup_printf ("%u", eng_model_get_n_layers (model));
  g_autofree char *ctx
      = g_strdup_printf (ngettext ("%u token", "%u tokens", eng_model_get_n_ctx_train (model)),
                         eng_model_get_n_ctx_train (model));
  g_autofree char *vocabulary
      = tokenizer != NULL
            ? g_strdup_printf (ngettext ("%u piece", "%u pieces", rt_tokenizer_n_vocab (tokenizer)),
                               rt_tokenizer_n_vocab (tokenizer))
            : g_strdup (eng_model_get_tokenizer_error (model));

  add_row (_ ("Architecture"), eng_model_get_arch (model), rows);
  add_row (_ ("Blocks"), layers, rows);
  add_row (_ ("Vocabulary"), vocabulary, rows);
  add_row (_ ("Trained context"), eng_model_get_n_ctx_train (model) > 0 ? ctx : NULL, rows);
  add_row (_ ("Chat template"), eng_model_has_chat (model) ? _ ("yes") : _ ("no"), rows);
}

/* A network has as many inputs and outputs as it likes: the popover scrolls. */
static GtkWidget *
make_scroller (GtkWidget *child)
{
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", child, "hscrollbar-policy",
                       GTK_POLICY_NEVER, "propagate-natural-height", TRUE,
                       "propagate-natural-width", TRUE, "max-content-height", 560, NULL);
}

GtkWidget *
app_model_info_new_popover (EngModel *model, EngBuild *build)
{
  GtkWidget *popover = gtk_popover_new ();
  GtkGrid *grid
      = GTK_GRID (g_object_new (GTK_TYPE_GRID, "row-spacing", 6, "column-spacing", 12, "margin-top",
                                6, "margin-bottom", 6, "margin-start", 6, "margin-end", 6, NULL));
  Rows rows = { grid, 0 };
  g_autofree char *params = format_count ((double)eng_model_get_n_params (model));
  g_autofree char *formats = eng_model_dup_formats (model);
  g_autofree char *bytes = eng_format_value ((double)eng_model_get_file_bytes (model), "B");
  g_autofree char *licence = eng_model_dup_licence (model);
  g_autofree char *base = g_path_get_basename (eng_model_get_path (model));
  g_autofree char *report
      = g_strjoinv ("\n", (char **)eng_model_get_report (model)); /* empty: no row */

  add_row (_ ("Name"), eng_model_get_name (model), &rows);
  add_row (_ ("Not supported"), report, &rows);
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    app_network_info_foreach (model, build, add_row, &rows);
  else
    add_language_rows (model, &rows);
  add_row (_ ("Parameters"), params, &rows);
  add_row (_ ("Formats"), formats, &rows);
  add_row (_ ("Licence"), licence != NULL ? licence : _ ("the file does not say"), &rows);
  add_row (_ ("File"), base, &rows);
  add_row (_ ("File size"), bytes, &rows);
  add_row (_ ("File format"), eng_model_get_format (model), &rows);

  gtk_popover_set_child (GTK_POPOVER (popover), make_scroller (GTK_WIDGET (grid)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (popover), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("About this model"), -1);
  return popover;
}
