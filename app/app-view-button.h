/* The views as a menu behind one button that is called after the one shown: for a header without
 * room for a switcher. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define APP_TYPE_VIEW_BUTTON (app_view_button_get_type ())
G_DECLARE_FINAL_TYPE (AppViewButton, app_view_button, APP, VIEW_BUTTON, GtkWidget)

/* Property: "stack" AdwViewStack, whose visible pages it offers through the action win.view. */
void app_view_button_set_stack (AppViewButton *self, AdwViewStack *stack);

G_END_DECLS
