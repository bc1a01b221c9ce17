/* PlotResult, the widget: life, properties, frames and events. Data are in plot-result-model.c,
 * geometry in -place.c, pictures in -draw.c, -picture.c, -mask.c, -marks.c and -signal.c, the table
 * in -text.c. It must not know where a result comes from. */

#include "plot-result-private.h"
#include "plot-controls-private.h"

#include <math.h>
#include <string.h>

struct _PlotResult
{
  GtkWidget parent_instance;

  PlotResultModel *model; /* NULL: empty */
  char *title, *reading, *empty_text;
  int selected;
  double divider;
  gboolean faded;

  PlotStyle style;
  PlotText *text;
  GskRenderNode *node; /* of what is drawn; NULL: to be drawn anew */
  double node_w, node_h, node_scale;
  gboolean dragging;
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_READING,
  PROP_EMPTY_TEXT,
  PROP_SELECTED,
  PROP_DIVIDER,
  PROP_FADED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void plot_result_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotResult, plot_result, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_result_figure_init))

static void
invalidate (PlotResult *self)
{
  g_clear_pointer (&self->node, gsk_render_node_unref);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
has_divider (PlotResult *self)
{
  return self->model != NULL && self->model->after != NULL;
}

/* --- accessibility --- */

static void
update_accessible (PlotResult *self)
{
  const char *title = *self->title != '\0' ? self->title : "Result";
  const char *reading = self->model == NULL ? self->empty_text : self->reading;
  g_autofree char *label = NULL;

  if (self->model != NULL && self->selected >= 0)
    {
      const PlotResultBox *box = &self->model->boxes[self->selected];

      label = g_strdup_printf ("%s. %d of %u selected: %s %s. %s", title, self->selected + 1,
                               self->model->n_boxes, box->label != NULL ? box->label : "",
                               box->value != NULL ? box->value : "", reading);
    }
  else
    label = g_strdup_printf ("%s. %s", title, reading);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  has_divider (self)
                                      ? "Left and Right move the divider between before and after."
                                  : self->model != NULL && self->model->n_boxes > 0
                                      ? "Left and Right select another box, Escape none."
                                      : "",
                                  -1);
}

/* --- drawing --- */

static void
draw_at (PlotResult *self, cairo_t *cr, PlotText *text, const PlotStyle *style, PlotRect room,
         double scale)
{
  PlotResultFrame frame = { .cr = cr,
                            .text = text,
                            .style = style,
                            .room = room,
                            .device_scale = scale,
                            .divider = self->divider,
                            .selected = self->selected };

  plot_result_draw (self->model, &frame);
}

/* Pale: what is drawn says nothing of what is set now. */
static void
draw_faded (PlotResult *self, cairo_t *cr, PlotText *text, const PlotStyle *style, PlotRect room,
            double scale)
{
  if (!self->faded)
    {
      draw_at (self, cr, text, style, room, scale);
      return;
    }
  cairo_push_group (cr);
  draw_at (self, cr, text, style, room, scale);
  cairo_pop_group_to_source (cr);
  cairo_paint_with_alpha (cr, 0.4);
}

static void
ensure_style (PlotResult *self)
{

  if (plot_follow_style (GTK_WIDGET (self), &self->style, &self->text))
    g_clear_pointer (&self->node, gsk_render_node_unref);
}

/* The picture as pixels: with the software renderer, what lies above it repaints nothing anew. */
static GskRenderNode *
make_node (PlotResult *self, double w, double h, double scale)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, (int)ceil (w * scale),
                                                         (int)ceil (h * scale));
  cairo_t *cr;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  int stride = cairo_image_surface_get_stride (surface);

  cairo_surface_set_device_scale (surface, scale, scale);
  cr = cairo_create (surface);
  draw_faded (self, cr, self->text, &self->style, (PlotRect){ 0, 0, w, h }, scale);
  cairo_destroy (cr);
  cairo_surface_flush (surface);
  bytes = g_bytes_new_with_free_func (cairo_image_surface_get_data (surface),
                                      (gsize)stride * (gsize)ceil (h * scale),
                                      (GDestroyNotify)cairo_surface_destroy, surface);
  texture = gdk_memory_texture_new ((int)ceil (w * scale), (int)ceil (h * scale),
                                    GDK_MEMORY_DEFAULT, bytes, (gsize)stride);
  return gsk_texture_node_new (texture,
                               &GRAPHENE_RECT_INIT (0, 0, (float)(ceil (w * scale) / scale),
                                                    (float)(ceil (h * scale) / scale)));
}

static void
append_empty (PlotResult *self, GtkSnapshot *snapshot, double w, double h)
{
  cairo_t *cr
      = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)w, (float)h));

  plot_text_draw (self->text, cr, PLOT_FONT_BODY, &self->style.dim_text, self->empty_text, w / 2,
                  h / 2, 0.5, 0.5, w - 24);
  cairo_destroy (cr);
}

static void
plot_result_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotResult *self = PLOT_RESULT (widget);
  double w = gtk_widget_get_width (widget), h = gtk_widget_get_height (widget);
  double scale = gtk_widget_get_scale_factor (widget);

  if (w < 2 || h < 2)
    return;
  ensure_style (self);
  if (self->model == NULL)
    append_empty (self, snapshot, w, h);
  else
    {
      if (self->node != NULL
          && (self->node_w != w || self->node_h != h || self->node_scale != scale))
        g_clear_pointer (&self->node, gsk_render_node_unref);
      if (self->node == NULL)
        {
          self->node = make_node (self, w, h, scale);
          self->node_w = w;
          self->node_h = h;
          self->node_scale = scale;
        }
      gtk_snapshot_append_node (snapshot, self->node);
    }
  plot_append_focus_ring (widget, snapshot, &self->style, w, h);
}

/* Rows want their height; pictures take what there is. */
static void
plot_result_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                     int *natural, int *minimum_baseline, int *natural_baseline)
{
  PlotResult *self = PLOT_RESULT (widget);

  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 96 : 64;
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    return;
  *minimum = MAX (*minimum, (int)ceil (plot_result_get_wanted_height (self)));
  *natural = *minimum;
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  PlotResult *self = PLOT_RESULT (figure);
  g_autoptr (PlotText) text = plot_text_new (style);
  double scale_x = 1, scale_y = 1, top = 0;

  if (*self->title != '\0')
    {
      plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, 12, 7, 0, 0,
                      width - 24);
      top = plot_text_line_height (text, PLOT_FONT_TITLE) + 14;
    }
  cairo_surface_get_device_scale (cairo_get_target (cr), &scale_x, &scale_y);
  if (self->model != NULL)
    draw_faded (self, cr, text, style,
                (PlotRect){ 8, top + 8, fmax (1, width - 16), fmax (1, height - top - 16) },
                fmax (1, scale_x));
  else
    plot_text_draw (text, cr, PLOT_FONT_BODY, &style->dim_text, self->empty_text, width / 2,
                    height / 2, 0.5, 0.5, width - 24);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  return plot_result_make_table (PLOT_RESULT (figure)->model, PLOT_RESULT (figure)->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_RESULT (figure)->title;
}

static void
plot_result_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- events --- */

static PlotResultFrame
widget_frame (PlotResult *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  return (PlotResultFrame){ .text = self->text,
                            .style = &self->style,
                            .room = { 0, 0, gtk_widget_get_width (widget),
                                      gtk_widget_get_height (widget) },
                            .device_scale = gtk_widget_get_scale_factor (widget) };
}

static PlotRect
picture_rect (PlotResult *self)
{
  PlotResultFrame frame = widget_frame (self);

  return plot_result_picture_rect (self->model, &frame);
}

static gboolean
plot_result_query_tooltip (GtkWidget *widget, int x, int y, gboolean keyboard, GtkTooltip *tooltip)
{
  PlotResult *self = PLOT_RESULT (widget);
  PlotResultFrame frame;
  g_autofree char *tip = NULL;

  if (keyboard || self->model == NULL || self->text == NULL)
    return FALSE;
  frame = widget_frame (self);
  tip = plot_result_dup_tip (self->model, &frame, x, y);
  if (tip != NULL)
    gtk_tooltip_set_text (tooltip, tip);
  return tip != NULL;
}

static void
drag_to (PlotResult *self, double x)
{
  PlotRect picture = picture_rect (self);

  plot_result_set_divider (self, (x - picture.x) / picture.w);
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, PlotResult *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->dragging = has_divider (self) && self->text != NULL;
  if (self->dragging)
    drag_to (self, x);
  else if (self->model != NULL && self->text != NULL && self->model->n_boxes > 0)
    plot_result_set_selected (self, plot_result_hit (self->model, picture_rect (self), x, y));
  else
    gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_DENIED);
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, PlotResult *self)
{
  double x, y;

  if (self->dragging && gtk_gesture_drag_get_start_point (gesture, &x, &y))
    drag_to (self, x + dx);
}

static gboolean
move_divider (PlotResult *self, guint keyval)
{
  double divider = self->divider;

  if (keyval == GDK_KEY_Left)
    divider -= 0.05;
  else if (keyval == GDK_KEY_Right)
    divider += 0.05;
  else if (keyval == GDK_KEY_Home)
    divider = 0;
  else if (keyval == GDK_KEY_End)
    divider = 1;
  else
    return FALSE;
  plot_result_set_divider (self, divider);
  return TRUE;
}

static gboolean
move_selection (PlotResult *self, guint keyval)
{
  int n = (int)self->model->n_boxes;

  if (keyval == GDK_KEY_Escape && self->selected >= 0)
    plot_result_set_selected (self, -1);
  else if (keyval == GDK_KEY_Left || keyval == GDK_KEY_Up)
    plot_result_set_selected (self, MAX (0, self->selected - 1));
  else if (keyval == GDK_KEY_Right || keyval == GDK_KEY_Down)
    plot_result_set_selected (self, MIN (n - 1, self->selected + 1));
  else
    return FALSE;
  return TRUE;
}

static gboolean
on_key (GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
        PlotResult *self)
{
  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK)) != 0 || self->model == NULL)
    return FALSE;
  if (has_divider (self))
    return move_divider (self, keyval);
  return self->model->n_boxes > 0 && move_selection (self, keyval);
}

static void
init_input (PlotResult *self)
{
  GtkGesture *drag = gtk_gesture_drag_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}

/* --- life --- */

static void
plot_result_finalize (GObject *object)
{
  PlotResult *self = PLOT_RESULT (object);

  g_clear_pointer (&self->node, gsk_render_node_unref);
  g_clear_pointer (&self->text, plot_text_free);
  plot_result_model_free (self->model);
  g_free (self->title);
  g_free (self->reading);
  g_free (self->empty_text);
  G_OBJECT_CLASS (plot_result_parent_class)->finalize (object);
}

static void
plot_result_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotResult *self = PLOT_RESULT (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_READING:
      g_value_set_string (value, self->reading);
      break;
    case PROP_EMPTY_TEXT:
      g_value_set_string (value, self->empty_text);
      break;
    case PROP_SELECTED:
      g_value_set_int (value, self->selected);
      break;
    case PROP_DIVIDER:
      g_value_set_double (value, self->divider);
      break;
    case PROP_FADED:
      g_value_set_boolean (value, self->faded);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (PlotResult *self, char **field, const GValue *value, GParamSpec *pspec)
{
  if (!plot_take_text (G_OBJECT (self), field, value, pspec))
    return;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  update_accessible (self);
}

static void
plot_result_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotResult *self = PLOT_RESULT (object);

  switch (id)
    {
    case PROP_TITLE:
      set_string (self, &self->title, value, pspec);
      break;
    case PROP_READING:
      set_string (self, &self->reading, value, pspec);
      break;
    case PROP_EMPTY_TEXT:
      set_string (self, &self->empty_text, value, pspec);
      break;
    case PROP_SELECTED:
      plot_result_set_selected (self, g_value_get_int (value));
      break;
    case PROP_DIVIDER:
      plot_result_set_divider (self, g_value_get_double (value));
      break;
    case PROP_FADED:
      if (self->faded == g_value_get_boolean (value))
        break;
      self->faded = g_value_get_boolean (value);
      g_object_notify_by_pspec (object, pspec);
      invalidate (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_result_class_init (PlotResultClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = plot_result_finalize;
  object_class->get_property = plot_result_get_property;
  object_class->set_property = plot_result_set_property;
  widget_class->snapshot = plot_result_snapshot;
  widget_class->measure = plot_result_measure;
  widget_class->query_tooltip = plot_result_query_tooltip;
  gtk_widget_class_set_css_name (widget_class, "plotresult");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_READING] = g_param_spec_string ("reading", NULL, NULL, "", rw);
  props[PROP_EMPTY_TEXT] = g_param_spec_string ("empty-text", NULL, NULL, "", rw);
  props[PROP_SELECTED] = g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1, rw);
  props[PROP_DIVIDER] = g_param_spec_double ("divider", NULL, NULL, 0, 1, 0.5, rw);
  props[PROP_FADED] = g_param_spec_boolean ("faded", NULL, NULL, FALSE, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
plot_result_init (PlotResult *self)
{
  self->title = g_strdup ("");
  self->reading = g_strdup ("");
  self->empty_text = g_strdup ("");
  self->selected = -1;
  self->divider = 0.5;
  plot_style_init (&self->style, FALSE);
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  init_input (self);
  update_accessible (self);
}

GtkWidget *
plot_result_new (void)
{
  return g_object_new (PLOT_TYPE_RESULT, NULL);
}

/* --- public calls --- */

void
plot_result_set_data (PlotResult *self, const PlotResultData *data)
{
  double wanted;

  g_return_if_fail (PLOT_IS_RESULT (self));

  wanted = plot_result_get_wanted_height (self);
  plot_result_model_free (self->model);
  self->model = plot_result_model_new (data);
  if (self->selected != -1)
    {
      self->selected = -1;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
    }
  if (plot_result_get_wanted_height (self) != wanted)
    gtk_widget_queue_resize (GTK_WIDGET (self));
  update_accessible (self);
  invalidate (self);
}

gboolean
plot_result_is_empty (PlotResult *self)
{
  g_return_val_if_fail (PLOT_IS_RESULT (self), TRUE);
  return self->model == NULL;
}

int
plot_result_get_selected (PlotResult *self)
{
  g_return_val_if_fail (PLOT_IS_RESULT (self), -1);
  return self->selected;
}

void
plot_result_set_selected (PlotResult *self, int box)
{
  g_return_if_fail (PLOT_IS_RESULT (self));

  if (self->model == NULL || box < 0 || (guint)box >= self->model->n_boxes)
    box = -1;
  if (box == self->selected)
    return;
  self->selected = box;
  update_accessible (self);
  invalidate (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
}

double
plot_result_get_divider (PlotResult *self)
{
  g_return_val_if_fail (PLOT_IS_RESULT (self), 0.5);
  return self->divider;
}

void
plot_result_set_divider (PlotResult *self, double share)
{
  g_return_if_fail (PLOT_IS_RESULT (self) && !isnan (share));

  share = CLAMP (share, 0, 1);
  if (share == self->divider)
    return;
  self->divider = share;
  invalidate (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_DIVIDER]);
}

double
plot_result_get_wanted_height (PlotResult *self)
{
  g_return_val_if_fail (PLOT_IS_RESULT (self), 0);

  if (self->model == NULL)
    return 0;
  ensure_style (self);
  return plot_result_wanted_height (self->model, self->text);
}
