/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For objects of programs that include bpf/maps.h, the datapath's own and
 * those of benchmarks: how they come to work on the datapath's maps.
 */
#ifndef DATAPATH_SHARE_H
#define DATAPATH_SHARE_H

struct bpf_object;
struct datapath;

/** Makes @object, which is not loaded yet, use the maps. Returns 0 or -errno. */
int datapath_share_maps(const struct datapath *datapath, struct bpf_object *object);

/* Sets the switches of bpf/maps.h in a skeleton's .rodata, before it is loaded; for
 * files that include datapath_maps.h. */
#define DATAPATH_SET_SWITCHES(rodata, datapath)                                                    \
	do {                                                                                       \
		(rodata)->dry_nonce[0] = (datapath)->nonce[0];                                     \
		(rodata)->dry_nonce[1] = (datapath)->nonce[1];                                     \
		(rodata)->image_a_bytes = (datapath)->image_bytes[0];                              \
		(rodata)->image_b_bytes = (datapath)->image_bytes[1];                              \
		(rodata)->stripes = (datapath)->stripes;                                           \
		(rodata)->stripes_shared = (datapath)->cpus > (datapath)->stripes;                 \
		(rodata)->flow_entries = (datapath)->options.flow_cache_entries;                   \
		memcpy((void *)(rodata)->flow_seed, (datapath)->flow_seed,                         \
		       sizeof((datapath)->flow_seed));                                             \
		(rodata)->debug_delay_ns = (datapath)->options.debug_delay_ns;                     \
	} while (0)

#endif
