/* SPDX-License-Identifier: Apache-2.0 */
#include "attach_foreign.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach_anchor.h"
#include "attach_tcx.h"
#include "attachment.h"
#include "cleanup.h"
#include "tc_filters.h"

static const char before[] = "before";
static const char behind[] = "behind";
static const char instead[] = "instead";

struct foreign_list {
	struct attach_foreign *entry;
	size_t count;
};

static void foreign_list_free(struct foreign_list *list)
{
	free(list->entry);
}

static int foreign_add(struct foreign_list *list, const struct attach_foreign *entry)
{
	struct attach_foreign *grown;

	grown = reallocarray(list->entry, list->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->entry = grown;
	list->entry[list->count++] = *entry;
	return 0;
}

/* A program of which only the id is known. */
static int foreign_add_program(struct foreign_list *list, uint32_t id, const char *hook,
			       const char *position)
{
	struct attach_foreign entry = { .program_id = id, .hook = hook, .position = position };

	attach_program_name(id, entry.name);
	return foreign_add(list, &entry);
}

static int foreign_xdp(struct foreign_list *list, const struct foreign_view *view)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	bool ours = view->ingress->mechanism == &attach_xdp;
	/* In TC we see what it passes on; without TC nothing of ours is there. */
	const char *position = view->ingress->mechanism ? before : instead;
	int err = bpf_xdp_query((int)view->ifindex, 0, &query);
	uint32_t ids[3];
	size_t i;

	if (err)
		return err;
	/* In the order in which they see a packet. */
	ids[0] = query.hw_prog_id;
	ids[1] = query.drv_prog_id;
	ids[2] = query.skb_prog_id;
	for (i = 0; i < ARRAY_SIZE(ids) && !err; i++) {
		if (!ids[i] || (ours && ids[i] == view->ingress->program_id))
			continue;
		err = foreign_add_program(list, ids[i], "xdp", position);
	}
	return err;
}

static int foreign_tcx(struct foreign_list *list, const struct anchor *anchor, bool egress)
{
	const char *hook = egress ? "tcx/egress" : "tcx/ingress";
	const char *position = anchor->mechanism == &attach_xdp ? behind : before;
	uint32_t ids[TCX_PROGRAMS];
	size_t count;
	size_t i;
	int err = tcx_query(anchor->ifindex, egress, ids, &count);

	if (err)
		return err == -EINVAL ? 0 : err; /* no TCX in this kernel */
	for (i = 0; i < count && !err; i++) {
		if (anchor->mechanism == &attach_tcx && ids[i] == anchor->program_id)
			position = behind;
		else
			err = foreign_add_program(list, ids[i], hook, position);
	}
	return err;
}

/* A BPF filter has the name that the tool gave it, such as "name:[id]" or "file.o:[section]". */
static void name_filter(const struct tc_filter *filter, char ret[16])
{
	if (filter->program_id) {
		attach_program_name(filter->program_id, ret);
		if (!ret[0])
			memcpy(ret, filter->name, strnlen(filter->name, 15));
		ret[strcspn(ret, ":")] = '\0';
	} else {
		memcpy(ret, filter->kind, sizeof(filter->kind));
	}
}

static int foreign_filters(struct foreign_list *list, const struct anchor *anchor, bool egress)
{
	CLEANUP(cleanup_free) struct tc_filter *filters = NULL;
	bool ours = anchor->mechanism == &attach_clsact;
	const struct tc_filter *filter;
	size_t count;
	size_t i;
	int err = tc_filters_list(anchor->ifindex, egress, &filters, &count);

	for (i = 0; i < count && !err; i++) {
		struct attach_foreign entry = { .hook = egress ? "clsact/egress"
							       : "clsact/ingress" };

		filter = &filters[i];
		/* A BPF filter is told by its handle, another kind by the head of its priority. */
		if (filter->chain || !filter->handle == !strcmp(filter->kind, "bpf"))
			continue;
		if (ours && filter->priority == anchor->priority &&
		    filter->handle == anchor->handle)
			continue;
		entry.program_id = filter->program_id;
		entry.position = ours && filter->priority < anchor->priority ? before : behind;
		name_filter(filter, entry.name);
		err = foreign_add(list, &entry);
	}
	return err;
}

static int foreign_tc(struct foreign_list *list, const struct anchor *anchor, bool egress)
{
	int err;

	if (!anchor->mechanism)
		return 0;
	err = foreign_tcx(list, anchor, egress);
	return err ? err : foreign_filters(list, anchor, egress);
}

int attach_foreign_list(const struct foreign_view *view, struct attach_foreign **ret,
			size_t *ret_count)
{
	CLEANUP(foreign_list_free) struct foreign_list list = { 0 };
	int err;

	err = foreign_xdp(&list, view);
	if (!err)
		err = foreign_tc(&list, view->ingress, false);
	if (!err)
		err = foreign_tc(&list, view->egress, true);
	if (err)
		return err;
	*ret = TAKE_PTR(list.entry);
	*ret_count = list.count;
	return 0;
}
