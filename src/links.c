/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libnl's cache follows rtnetlink.  A copy of what we need of each link is kept
 * beside it: the cache tells of changes in anything (operational state, queue
 * lengths, bridge ports), the callback only of changes in these.
 */
#include "links.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Enough for a few thousand interfaces that appear at once; more than that is a resync. */
#define LINKS_RECEIVE_BYTES (1 << 20)
#define RESYNC_TRIES 5

struct links {
	struct nl_cache_mngr *keeper;
	struct nl_cache *cache; /* the keeper's */
	struct nl_sock *socket; /* for resyncs */
	links_callback callback; /* NULL while the first list is read */
	void *context;
	struct link *link; /* in no order */
	size_t count;
	int error; /* out of memory in a callback, which cannot return it */
};

static int to_errno(int error)
{
	static const struct {
		int netlink;
		int error;
	} rows[] = {
		{ NLE_NOMEM, -ENOMEM },
		{ NLE_PERM, -EPERM },
		{ NLE_NODEV, -ENODEV },
		{ NLE_AGAIN, -EAGAIN },
		{ NLE_INTR, -EINTR },
		{ NLE_BUSY, -EBUSY },
		{ NLE_INVAL, -EINVAL },
		{ NLE_NOACCESS, -EACCES },
		{ NLE_OBJ_NOTFOUND, -ENOENT },
		{ NLE_EXIST, -EEXIST },
		{ NLE_MSG_TRUNC, -EMSGSIZE },
		{ NLE_DUMP_INTR, -EAGAIN },
		{ NLE_AF_NOSUPPORT, -EAFNOSUPPORT },
		{ NLE_PROTO_MISMATCH, -EPROTO },
		{ NLE_OPNOTSUPP, -EOPNOTSUPP },
	};
	size_t i;

	if (error >= 0)
		return 0;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].netlink == -error)
			return rows[i].error;
	return -EIO;
}

static bool in_list(unsigned int value, const unsigned int *list, size_t count)
{
	while (count--)
		if (list[count] == value)
			return true;
	return false;
}

/* Packets of these begin with the IP header. */
static bool is_l3(unsigned int type)
{
	static const unsigned int types[] = {
		ARPHRD_NONE,  ARPHRD_TUNNEL, ARPHRD_TUNNEL6, ARPHRD_SIT,
		ARPHRD_IPGRE, ARPHRD_IP6GRE, ARPHRD_PPP,     ARPHRD_RAWIP,
	};

	return in_list(type, types, ARRAY_SIZE(types));
}

static bool is_ethernet(unsigned int type)
{
	static const unsigned int types[] = { ARPHRD_ETHER, ARPHRD_EETHER, ARPHRD_LOOPBACK };

	return in_list(type, types, ARRAY_SIZE(types));
}

/*
 * What a link says is "below" it can be in another namespace, where the number
 * means nothing here; and of a veth it is the other end, which sees other
 * packets.
 */
static uint32_t parent_of(struct rtnl_link *object, const char *kind)
{
	int namespace_id;
	int parent = rtnl_link_get_link(object);

	if (parent <= 0 || parent == rtnl_link_get_ifindex(object))
		return 0;
	if (!rtnl_link_get_link_netnsid(object, &namespace_id))
		return 0;
	if (!strcmp(kind, "veth") || !strcmp(kind, "netkit"))
		return 0;
	return (uint32_t)parent;
}

static void copy_name(char *ret, size_t size, const char *text)
{
	size_t bytes = text ? strnlen(text, size - 1) : 0;

	if (bytes)
		memcpy(ret, text, bytes);
	ret[bytes] = '\0';
}

static struct link link_from(struct rtnl_link *object)
{
	unsigned int type = rtnl_link_get_arptype(object);
	unsigned int flags = rtnl_link_get_flags(object);
	struct link link;

	memset(&link, 0, sizeof(link)); /* padding too: links are compared as bytes */
	link.ifindex = (uint32_t)rtnl_link_get_ifindex(object);
	copy_name(link.name, sizeof(link.name), rtnl_link_get_name(object));
	copy_name(link.kind, sizeof(link.kind), rtnl_link_get_type(object));
	link.mtu = rtnl_link_get_mtu(object);
	link.master = (uint32_t)rtnl_link_get_master(object);
	link.parent = parent_of(object, link.kind);
	link.loopback = flags & IFF_LOOPBACK;
	link.up = flags & IFF_UP;
	link.l3 = is_l3(type);
	link.alien = !link.l3 && !is_ethernet(type);
	return link;
}

static struct link *find(const struct links *links, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < links->count; i++)
		if (links->link[i].ifindex == ifindex)
			return &links->link[i];
	return NULL;
}

static void tell(const struct links *links, enum link_event event, const struct link *link)
{
	const struct link copy = *link; /* the callback may ask us, and the list may move */

	if (links->callback)
		links->callback(links->context, event, &copy);
}

static int put(struct links *links, const struct link *link)
{
	struct link *known = find(links, link->ifindex);
	struct link *grown;

	if (known) {
		if (!memcmp(known, link, sizeof(*link)))
			return 0;
		*known = *link;
		tell(links, LINK_CHANGED, link);
		return 0;
	}
	grown = reallocarray(links->link, links->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	links->link = grown;
	links->link[links->count++] = *link;
	tell(links, LINK_NEW, link);
	return 0;
}

static void take_away(struct links *links, uint32_t ifindex)
{
	struct link *known = find(links, ifindex);
	struct link gone;

	if (!known)
		return;
	gone = *known;
	*known = links->link[--links->count];
	tell(links, LINK_GONE, &gone);
}

static void take_object(struct links *links, struct nl_object *object, bool gone)
{
	struct rtnl_link *link_object = (struct rtnl_link *)object;
	struct link link;
	int err;

	link = link_from(link_object);
	/*
	 * A bridge tells of its ports in messages of its own family: leaving it
	 * is not the end of a link.  libnl gives that family to bridges, too.
	 */
	if (rtnl_link_get_family(link_object) != AF_UNSPEC && strcmp(link.kind, "bridge"))
		return;
	if (gone) {
		take_away(links, link.ifindex);
		return;
	}
	err = put(links, &link);
	if (err)
		links->error = err;
}

static void cache_changed(struct nl_cache *cache, struct nl_object *object, int action,
			  void *context)
{
	(void)cache;
	take_object(context, object, action == NL_ACT_DEL);
}

static void take_each(struct nl_object *object, void *context)
{
	take_object(context, object, false);
}

static int links_start(struct links *links)
{
	int err;

	links->socket = nl_socket_alloc();
	if (!links->socket)
		return -NLE_NOMEM;
	err = nl_connect(links->socket, NETLINK_ROUTE);
	if (!err)
		err = nl_cache_mngr_alloc(NULL, NETLINK_ROUTE, NL_AUTO_PROVIDE, &links->keeper);
	if (!err)
		err = nl_cache_mngr_add(links->keeper, "route/link", cache_changed, links,
					&links->cache);
	return err;
}

int links_open(links_callback callback, void *context, struct links **ret)
{
	CLEANUP(links_close) struct links *links = calloc(1, sizeof(*links));
	const int bytes = LINKS_RECEIVE_BYTES;
	int err;

	if (!links)
		return -ENOMEM;
	err = to_errno(links_start(links));
	if (err)
		return err;
	/* A wish: what the limit of the system leaves of it is enough most of the time. */
	(void)setsockopt(links_fd(links), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	nl_cache_foreach(links->cache, take_each, links);
	if (links->error)
		return links->error;
	links->callback = callback;
	links->context = context;
	*ret = TAKE_PTR(links);
	return 0;
}

int links_fd(const struct links *links)
{
	return nl_cache_mngr_get_fd(links->keeper);
}

/*
 * The kernel dropped messages because we were slow, or one could not be parsed.
 * What is still queued is older than what was lost, so it is taken in first;
 * then everything is asked for again, and the cache tells the differences.
 */
static int resync(struct links *links)
{
	int tries;
	int err;

	for (tries = 0; tries < RESYNC_TRIES; tries++)
		if (nl_cache_mngr_data_ready(links->keeper) >= 0)
			break;
	for (tries = 0; tries < RESYNC_TRIES; tries++) {
		err = nl_cache_resync(links->socket, links->cache, cache_changed, links);
		if (err != -NLE_DUMP_INTR)
			break;
	}
	return to_errno(err);
}

int links_read(struct links *links)
{
	int err = 0;

	links->error = 0;
	if (nl_cache_mngr_data_ready(links->keeper) < 0)
		err = resync(links);
	return err ? err : links->error;
}

void links_each(const struct links *links, links_callback callback, void *context)
{
	struct link copy;
	size_t i;

	for (i = 0; i < links->count; i++) {
		copy = links->link[i];
		callback(context, LINK_NEW, &copy);
	}
}

int links_find(const struct links *links, uint32_t ifindex, struct link *ret)
{
	const struct link *link = find(links, ifindex);

	if (!link)
		return -ENODEV;
	*ret = *link;
	return 0;
}

void links_close(struct links **links)
{
	if (!*links)
		return;
	nl_cache_mngr_free((*links)->keeper);
	nl_socket_free((*links)->socket);
	free((*links)->link);
	free(*links);
	*links = NULL;
}
