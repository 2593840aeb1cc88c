/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_takeover.h"

#include <string.h>

#include "attach.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_inherit.h"
#include "datapath_interfaces.h"
#include "keep.h"
#include "links.h"
#include "log.h"
#include "settings.h"
#include "store_counters.h"

static void introduce(void *context, enum link_event event, const struct link *link);
static size_t count_taken_over(const struct daemon *daemon);

void daemon_hand_over(const struct daemon *daemon)
{
	int r;

	links_each(daemon->links, introduce, (void *)daemon);
	r = datapath_hand_over(daemon->datapath);
	if (r < 0)
		log_warn("counters or limits cannot be handed from process to process: %s",
			 strerror(-r));
	keep_wait(daemon->keep);
}

void daemon_inherit(const struct daemon *daemon)
{
	struct datapath_inherited inherited;
	int r = datapath_inherit(daemon->datapath, &inherited);

	if (r < 0)
		log_warn("counters of the process before begin at zero: %s", strerror(-r));
	if (inherited.run)
		log_info("took over %zu interfaces, and the counters of %zu policies of run %u",
			 count_taken_over(daemon), inherited.policies, inherited.run);
	keep_wait(daemon->keep);
	store_drop_counters(daemon->store);
}

bool daemon_stays(const struct daemon *daemon)
{
	const enum keep_place place = keep_place(daemon->keep);

	return place == KEEP_IN_STORE ||
	       (place == KEEP_AS_PINS && !daemon->settings->detach_on_stop);
}

/* Filters share a gate: with the first that is taken over all call the new program, which is to know
 * their interfaces by then. */
static void introduce(void *context, enum link_event event, const struct link *link)
{
	const struct daemon *daemon = context;
	bool exact;

	if (event == LINK_NEW && !link->alien &&
	    settings_wants_interface(daemon->settings, link->name, &exact))
		(void)datapath_interface_add(daemon->datapath, link->ifindex, link->name, link->l3);
}

static size_t count_taken_over(const struct daemon *daemon)
{
	const struct attachment *const *list;
	size_t count = 0, taken = 0;

	list = attachments_list(daemon->attachments, &count);
	for (size_t i = 0; i < count; i++)
		taken += list[i]->taken_over;
	return taken;
}
