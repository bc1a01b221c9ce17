/* Memory of packed weights: many matrices share large mappings that lie in huge pages.
 *
 * Decoding streams every weight once per token. With 4 KiB pages the hardware prefetchers stop at
 * each page's end and every page needs an address translation; weights of less than 2 MiB each
 * would never get huge pages on their own. Private to rt-weight.c. */
#pragma once

#include <stddef.h>

/* Zeroed or not, aligned to a page. NULL when out of memory. Safe from any thread. */
void *rt_heap_alloc (size_t n_bytes);

/* Gives the pages back to the system at once. @n_bytes as it was allocated; NULL is accepted. */
void rt_heap_free (void *memory, size_t n_bytes);
