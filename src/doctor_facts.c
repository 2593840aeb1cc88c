// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "attach_anchor.h"
#include "attach_foreign.h"
#include "attachment.h"
#include "cleanup.h"
#include "doctor.h"
#include "xdp_features.h"

/* What one buffer holds beside the room that XDP and the stack keep in a page. */
#define LINEAR_MTU_MAX 3498

/* Drivers that run XDP in Linux 6.1, for kernels that do not say. */
static const char *const native_drivers[] = {
	"atlantic",   "bnxt_en", "bonding",   "dpaa2-eth", "dpaa_eth", "ena",	    "fsl_enetc",
	"funeth",     "gve",	 "hv_netvsc", "i40e",	   "ice",      "igb",	    "igc",
	"ixgbe",      "ixgbevf", "lan966x",   "mana",	   "mlx4_en",  "mlx5_core", "mtk_soc_eth",
	"mvneta",     "mvpp2",	 "netsec",    "nfp",	   "nicvf",    "qede",	    "rvu_nicpf",
	"rvu_nicvf",  "sfc",	 "st_gmac",   "stmmac",	   "ti_cpsw",  "tun",	    "veth",
	"virtio_net", "vif",
};

static bool runs_xdp(const struct doctor_facts *facts)
{
	if (facts->xdp_known)
		return facts->xdp & XDP_FEATURE_BASIC;
	for (size_t i = 0; i < ARRAY_SIZE(native_drivers); i++)
		if (!strcmp(facts->driver, native_drivers[i]))
			return true;
	return false;
}

static bool mtu_is_too_large(const struct doctor_facts *facts)
{
	return facts->link.mtu > LINEAR_MTU_MAX &&
	       !(facts->xdp_known && facts->xdp & XDP_FEATURE_FRAGS);
}

static bool xdp_is_taken(const struct doctor_facts *facts)
{
	for (size_t i = 0; i < facts->foreign_count; i++)
		if (!strcmp(facts->foreign[i].hook, "xdp"))
			return true;
	return false;
}

static bool native_is_possible(const struct doctor_facts *facts)
{
	return runs_xdp(facts) && !xdp_is_taken(facts) && !facts->lro && !mtu_is_too_large(facts);
}

const char *doctor_predict(const struct doctor_facts *facts, enum attach_mode mode)
{
	if (facts->link.alien)
		return NULL;
	switch (mode) {
	case ATTACH_NATIVE:
		return native_is_possible(facts) ? "native" : NULL;
	case ATTACH_GENERIC:
		return xdp_is_taken(facts) ? NULL : "generic";
	case ATTACH_TC:
		return "tc";
	case ATTACH_AUTO:
		break;
	}
	return native_is_possible(facts) ? "native" : "tc";
}

/* ---- reading */

/* Who may not list what is at TC sees XDP alone. */
static int read_foreign(uint32_t ifindex, struct doctor_facts *facts)
{
	struct anchor anchor = { .mechanism = &attach_tcx, .ifindex = ifindex, .link_fd = -1 };
	const struct foreign_view view = {
		.ifindex = ifindex,
		.ingress = &anchor,
		.egress = &anchor,
	};
	int error = attach_foreign_list(&view, &facts->foreign, &facts->foreign_count);

	if (error != -EPERM)
		return error;
	anchor.mechanism = NULL;
	return attach_foreign_list(&view, &facts->foreign, &facts->foreign_count);
}

void doctor_facts_clear(struct doctor_facts *facts)
{
	free(facts->foreign);
	facts->foreign = NULL;
	facts->foreign_count = 0;
}

int doctor_facts_read(const struct link *link, struct doctor_facts *ret)
{
	struct doctor_facts facts = { .link = *link };
	int error;

	device_driver(link->name, facts.driver);
	error = xdp_features(link->ifindex, &facts.xdp);
	if (error && error != -EOPNOTSUPP)
		return error;
	facts.xdp_known = !error;
	error = device_strips_vlan(link->name, &facts.vlan_off);
	if (error)
		return error;
	facts.lro = device_feature_is_on(link->name, "rx-lro");
	facts.gro_hw = device_feature_is_on(link->name, "rx-gro-hw");
	facts.queues_known = !device_queues(link->name, &facts.queues);
	if (link->master && !if_indextoname(link->master, facts.master))
		facts.master[0] = '\0';
	error = read_foreign(link->ifindex, &facts);
	if (error)
		return error;
	*ret = facts;
	return 0;
}

/* ---- saying */

static void say_driver(struct doctor *doctor, const struct doctor_facts *facts)
{
	const char *driver = *facts->driver ? facts->driver : facts->link.kind;

	if (facts->link.alien)
		doctor_say(doctor, "driver", DOCTOR_FINDING,
			   "%s: neither Ethernet nor IP, which cannot be attached to: take the "
			   "interface out of network.interfaces",
			   driver);
	else if (runs_xdp(facts))
		doctor_say(doctor, "driver", DOCTOR_FINE, "%s runs XDP%s", driver,
			   facts->xdp_known ? "" : " in most versions; this kernel does not say");
	else
		doctor_say(doctor, "driver", DOCTOR_NOTE,
			   "%s %s XDP: TC takes its place, or generic XDP where it is asked for",
			   *driver ? driver : "the interface",
			   facts->xdp_known ? "does not run" : "is not known to run");
}

static void say_queues(struct doctor *doctor, const struct doctor_facts *facts)
{
	const struct device_queues *queues = &facts->queues;

	if (!facts->queues_known)
		doctor_say(doctor, "queues", DOCTOR_FINE, "the interface does not say how many");
	else if (queues->combined_max)
		doctor_say(doctor, "queues", DOCTOR_FINE, "%u of %u in use", queues->combined,
			   queues->combined_max);
	else
		doctor_say(doctor, "queues", DOCTOR_FINE, "%u of %u receive, %u of %u transmit",
			   queues->rx, queues->rx_max, queues->tx, queues->tx_max);
}

/* What keeps native XDP away, where the driver would run it. */
static void say_obstacles(struct doctor *doctor, const struct doctor_facts *facts, bool decides)
{
	const enum doctor_grade grade = decides ? DOCTOR_FINDING : DOCTOR_NOTE;
	const char *name = facts->link.name;

	if (facts->lro && runs_xdp(facts))
		doctor_say(doctor, "lro", grade,
			   "packets are merged (LRO), which keeps native XDP away: `ethtool -K %s "
			   "lro off`",
			   name);
	else
		doctor_say(doctor, "lro", DOCTOR_FINE, facts->lro ? "on" : "off");
	if (facts->gro_hw && runs_xdp(facts))
		doctor_say(doctor, "gro", DOCTOR_NOTE,
			   "packets are merged in hardware, with which some drivers take no native "
			   "XDP: `ethtool -K %s rx-gro-hw off`",
			   name);
	if (mtu_is_too_large(facts) && runs_xdp(facts))
		doctor_say(doctor, "mtu", grade,
			   "%u is more than one buffer of native XDP holds, and the driver does "
			   "not take packets in several: `ip link set dev %s mtu %d`",
			   facts->link.mtu, name, LINEAR_MTU_MAX);
	else
		doctor_say(doctor, "mtu", DOCTOR_FINE, "%u", facts->link.mtu);
}

/* TC sees tags wherever they are; only a policy that matches on them and forced XDP do not go
 * together. */
static void say_vlan(struct doctor *doctor, const struct doctor_facts *facts)
{
	if (facts->vlan_off)
		doctor_say(doctor, "vlan", DOCTOR_NOTE,
			   "hardware takes tags off: TC is used once a policy matches on a VLAN; "
			   "for native XDP then: `ethtool -K %s %s`",
			   facts->link.name, facts->vlan_off);
	else
		doctor_say(doctor, "vlan", DOCTOR_FINE, "tags stay in the frame");
}

static void say_place(struct doctor *doctor, const struct doctor_facts *facts)
{
	const struct link *link = &facts->link;

	if (!link->up)
		doctor_say(doctor, "state", DOCTOR_NOTE, "down: `ip link set dev %s up`",
			   link->name);
	else
		doctor_say(doctor, "state", DOCTOR_FINE, "up");
	if (link->master)
		doctor_say(doctor, "member", DOCTOR_NOTE,
			   "of %s, which sees the same packets: both are attached to only if both "
			   "are named exactly in network.interfaces",
			   *facts->master ? facts->master : "a bond or bridge that is gone");
	else if (link->parent && link->parent != link->ifindex)
		doctor_say(doctor, "member", DOCTOR_NOTE,
			   "stands on another interface, which may see the same packets: both are "
			   "attached to only if both are named exactly in network.interfaces");
	else
		doctor_say(doctor, "member", DOCTOR_FINE, "of no bond or bridge");
}

static void say_foreign(struct doctor *doctor, const struct doctor_facts *facts)
{
	for (size_t i = 0; i < facts->foreign_count; i++) {
		const struct attach_foreign *foreign = &facts->foreign[i];
		bool xdp = !strcmp(foreign->hook, "xdp");

		doctor_say(doctor, "foreign", DOCTOR_NOTE, "%s%s%s, program %u, is not ours%s",
			   foreign->name, *foreign->name ? " at " : "", foreign->hook,
			   foreign->program_id,
			   xdp ? " and is left alone: TC takes the place of XDP" : "");
	}
	if (!facts->foreign_count)
		doctor_say(doctor, "foreign", DOCTOR_FINE, "no program of others is there");
}

void doctor_facts_say(struct doctor *doctor, const struct doctor_facts *facts, bool decides)
{
	say_place(doctor, facts);
	say_driver(doctor, facts);
	say_queues(doctor, facts);
	say_obstacles(doctor, facts, decides);
	say_vlan(doctor, facts);
	if (decides)
		say_foreign(doctor, facts);
}
