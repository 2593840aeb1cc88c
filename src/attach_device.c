/* SPDX-License-Identifier: Apache-2.0 */
#include "attach_device.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "cleanup.h"

static int device_ioctl(const char *interface, void *command)
{
	CLEANUP(cleanup_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_data = command };

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

void device_driver(const char *interface, char ret[DEVICE_DRIVER_BYTES])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	ret[0] = '\0';
	if (device_ioctl(interface, &info))
		return;
	memcpy(ret, info.driver, DEVICE_DRIVER_BYTES);
	ret[DEVICE_DRIVER_BYTES - 1] = '\0';
}

/* The names of the features, in the order of their bits. Freed by the caller. */
static int device_feature_names(const char *interface, struct ethtool_gstrings **ret)
{
	CLEANUP(cleanup_free) struct ethtool_sset_info *info = calloc(1, sizeof(*info) + 4);
	CLEANUP(cleanup_free) struct ethtool_gstrings *names = NULL;
	int err;

	if (!info)
		return -ENOMEM;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_FEATURES;
	err = device_ioctl(interface, info);
	if (err)
		return err;
	if (!info->sset_mask)
		return -EOPNOTSUPP;
	names = calloc(1, sizeof(*names) + (size_t)info->data[0] * ETH_GSTRING_LEN);
	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = info->data[0];
	err = device_ioctl(interface, names);
	if (err)
		return err;
	*ret = TAKE_PTR(names);
	return 0;
}

/* The bits of all features; *ret is as many as the names. Freed by the caller. */
static int device_features(const char *interface, uint32_t count, struct ethtool_gfeatures **ret)
{
	CLEANUP(cleanup_free) struct ethtool_gfeatures *features = NULL;
	uint32_t blocks = (count + 31) / 32;
	int err;

	features = calloc(1, sizeof(*features) + blocks * sizeof(features->features[0]));
	if (!features)
		return -ENOMEM;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	err = device_ioctl(interface, features);
	if (err)
		return err;
	*ret = TAKE_PTR(features);
	return 0;
}

static bool device_feature(const struct ethtool_gstrings *names,
			   const struct ethtool_gfeatures *features, const char *name)
{
	uint32_t i;

	for (i = 0; i < names->len; i++)
		if (!strncmp((const char *)&names->data[i * ETH_GSTRING_LEN], name,
			     ETH_GSTRING_LEN))
			return features->features[i / 32].active & (1U << (i % 32));
	return false;
}

int device_strips_vlan(const char *interface, const char **ret_off)
{
	/* By bits: customer tags (802.1Q), service tags (802.1ad). */
	static const char *const off[] = {
		NULL,
		"rxvlan off",
		"rx-vlan-stag-hw-parse off",
		"rxvlan off rx-vlan-stag-hw-parse off",
	};
	CLEANUP(cleanup_free) struct ethtool_gstrings *names = NULL;
	CLEANUP(cleanup_free) struct ethtool_gfeatures *features = NULL;
	unsigned int strips = 0;
	int err;

	err = device_feature_names(interface, &names);
	if (!err)
		err = device_features(interface, names->len, &features);
	if (err && err != -EOPNOTSUPP)
		return err;
	if (!err && device_feature(names, features, "rx-vlan-hw-parse"))
		strips |= 1;
	if (!err && device_feature(names, features, "rx-vlan-stag-hw-parse"))
		strips |= 2;
	*ret_off = off[strips];
	return 0;
}

bool device_feature_is_on(const char *interface, const char *name)
{
	CLEANUP(cleanup_free) struct ethtool_gstrings *names = NULL;
	CLEANUP(cleanup_free) struct ethtool_gfeatures *features = NULL;

	return !device_feature_names(interface, &names) &&
	       !device_features(interface, names->len, &features) &&
	       device_feature(names, features, name);
}

int device_queues(const char *interface, struct device_queues *ret)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int err = device_ioctl(interface, &channels);

	if (err)
		return err;
	*ret = (struct device_queues){
		.rx = channels.rx_count,
		.rx_max = channels.max_rx,
		.tx = channels.tx_count,
		.tx_max = channels.max_tx,
		.combined = channels.combined_count,
		.combined_max = channels.max_combined,
	};
	return 0;
}
