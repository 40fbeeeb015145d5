package zstack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Usage is one quota of an account.
type Usage struct {
	Name  string `json:"name"`
	Total int64  `json:"total"`
	Used  int64  `json:"used"`
}

// Usages returns the quotas of an account and how much of them is used.
func (c *Client) Usages(ctx context.Context, account string) ([]Usage, error) {
	var reply struct {
		Usages []Usage `json:"usages"`
	}
	if !isUUID(account) {
		return nil, &NotSentError{"GetAccountQuotaUsage", fmt.Errorf("%q is no account", oneLine(account))}
	}
	err := c.get(ctx, "GetAccountQuotaUsage", "/accounts/quota/"+account+"/usages", nil, &reply)
	return reply.Usages, err
}

// FreeSpace returns how many bytes volumes may still take on a primary storage.
func (c *Client) FreeSpace(ctx context.Context, storage string) (int64, error) {
	var reply struct {
		Available int64 `json:"availableCapacity"`
	}
	err := c.get(ctx, "GetPrimaryStorageCapacity", "/primary-storage/capacities", url.Values{"primaryStorageUuids": {storage}}, &reply)
	return reply.Available, err
}

// FreeAddresses returns how many IPv4 addresses of an L3 network are free.
func (c *Client) FreeAddresses(ctx context.Context, network string) (int64, error) {
	var reply struct {
		Available int64  `json:"availableCapacity"`
		IPv4      *int64 `json:"ipv4AvailableCapacity"` // of servers that know IPv6
	}
	err := c.get(ctx, "GetIpAddressCapacity", "/ip-capacity", url.Values{"l3NetworkUuids": {network}}, &reply)
	if reply.IPv4 != nil {
		return *reply.IPv4, err
	}
	return reply.Available, err
}

// VMShape is what a VM that is to be created needs of a host. Empty fields are
// left out.
type VMShape struct {
	ImageUUID            string
	NetworkUUIDs         []string
	DefaultNetwork       string
	OfferingUUID         string
	CPU, Memory          int64 // where there is no offering; memory in bytes
	RootDiskOfferingUUID string
	RootDiskSize         int64
	DataDiskOfferings    []string
	ZoneUUID             string
	ClusterUUID          string
}

// Candidates returns the hosts on which a VM of a shape could be created now.
func (c *Client) Candidates(ctx context.Context, shape VMShape) ([]Host, error) {
	query := url.Values{"l3NetworkUuids": shape.NetworkUUIDs}
	if len(shape.DataDiskOfferings) > 0 {
		query["dataDiskOfferingUuids"] = shape.DataDiskOfferings
	}
	for name, value := range map[string]string{
		"imageUuid": shape.ImageUUID, "defaultL3NetworkUuid": shape.DefaultNetwork, "instanceOfferingUuid": shape.OfferingUUID,
		"rootDiskOfferingUuid": shape.RootDiskOfferingUUID, "zoneUuid": shape.ZoneUUID, "clusterUuid": shape.ClusterUUID,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, value := range map[string]int64{"cpuNum": shape.CPU, "memorySize": shape.Memory, "rootDiskSize": shape.RootDiskSize} {
		if value > 0 {
			query.Set(name, strconv.FormatInt(value, 10))
		}
	}
	var reply struct {
		Hosts []Host `json:"hosts"`
	}
	err := c.get(ctx, "GetCandidateDestinations", "/vm-instances/candidate-destinations", query, &reply)
	return reply.Hosts, err
}

// get makes a call that only reads. Its path is one of harmlessCalls.
func (c *Client) get(ctx context.Context, operation, path string, query url.Values, reply any) error {
	return c.readInto(ctx, &request{operation: operation, method: http.MethodGet, path: path, query: query, signed: true}, reply)
}
