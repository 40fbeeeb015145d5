package simulator

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// vmTagFormats are the system tags of VMs; those after the break belong to
// features that only the commercial build has.
var vmTagFormats = []string{
	"hostname::{}", "staticIp::{}::{}", "ipv4Netmask::{}::{}", "ipv4Gateway::{}::{}", "ipv6Prefix::{}::{}", "ipv6Gateway::{}::{}",
	"customMac::{}::{}", "customNicUuid::{}::{}", "userdata::{}", "sshkey::{}", "rootPassword::{}", "consolePassword::{}",
	"bootOrder::{}", "bootOrderOnce::{}", "bootMode::{}", "vmMachineType::{}", "usbRedirect::{}", "securityElementEnable::{}",
	"RDPEnable::{}", "VDIMonitorNumber::{}", "soundType::{}", "qxlMemory::{}::{}::{}", "cdroms::{}::{}::{}", "createWithoutCdRom::{}",
	"cdromUuid::{}", "primaryStorageUuidForDataVolume::{}", "driver::virtio", "numa", "qemuga", "packer", "additionalQmp",
	"cleanTraffic::{}", "nicMultiQueueNum::{}::{}", "l3::{}::SecurityGroupUuids::{}",
	"l3::{}::securityGroupIngressPolicy::{}::securityGroupEgressPolicy::{}",
	"maxInstancePerHost::{}", "autoScalingGroupUuid::{}", "vmPriority::{}", "directoryUuid::{}", "xmlHook::{}", "resourceBindings::{}",
	"marketplace::true", "vRingBufferSize::{}::{}", "cpuSockets::{}", "cpuCores::{}", "cpuThreads::{}",
	"resourceConfig::{}::{}::{}", "syncPorts::{}", "ipChanged::{}", "vmSystemSerialNumber::{}", "GuestTools::{}",
}

var commercialTagFormats = []string{"ha::{}", "pciDevice::{}", "mdevDevice::{}", "ceph::rootPoolName::{}", "ceph::dataPoolName::{}"}

var volumeTagFormats = []string{"volumeProvisioningStrategy::{}", "capability::virtio-scsi", "ceph::pool::{}", "localStorage::hostUuid::{}"}

// singleTags may stand at most once in a creation.
var singleTags = []string{"hostname::", "userdata::", "bootMode::"}

// tagChoices are the values of tags that take a closed set.
var tagChoices = map[string][]string{
	"usbRedirect":           {"true", "false"},
	"securityElementEnable": {"true", "false"},
	"RDPEnable":             {"true", "false"},
	"createWithoutCdRom":    {"true", "false"},
	"cleanTraffic":          {"true", "false"},
	"vmMachineType":         {"pc", "q35", "virt"},
	"bootMode":              {"LEGACY", "UEFI", "UEFI_WITH_CSM"},
}

// hostnameRule knows bare labels and names below the top-level domains that
// matter here; the server knows the whole IANA list.
var hostnameRule = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

var topLevels = []string{"com", "org", "net", "cn", "io", "cloud", "dev", "info", "edu", "gov", "app", "xyz", "top", "localhost", "localdomain"}

// knownTag says whether a format fits the tag.
func (s *Server) knownTag(tag string, formats ...string) bool {
	if s.options.Profile == Commercial {
		formats = append(slices.Clone(formats), commercialTagFormats...)
	}
	return slices.ContainsFunc(formats, func(format string) bool { return hasParts(tag, format) })
}

// checkTags validates the system tags that came with a call. The caller holds mu.
func (c *call) checkTags() error {
	c.systemTags = unique(c.systemTags)
	c.userTags = unique(c.userTags)
	if c.isDry() && len(c.systemTags) > 1 && c.creates() {
		return fail("SYS.1007", "没有匹配系统标签[%s]的标签定义", c.systemTags[0])
	}
	for _, tag := range c.systemTags {
		if tag == dryTag {
			continue
		}
		if !c.knownTag(tag, slices.Concat(vmTagFormats, volumeTagFormats)...) {
			return fail("SYS.1007", "没有匹配系统标签[%s]的标签定义", tag)
		}
		if err := c.checkTag(tag); err != nil {
			return err
		}
	}
	for _, prefix := range singleTags {
		if len(withPrefix(c.systemTags, prefix)) > 1 {
			return fail("SYS.1007", "系统标签[%s]只能有一个", prefix)
		}
	}
	return nil
}

func (c *call) creates() bool { return c.op.declared("resourceUuid") != nil }

func (c *call) checkTag(tag string) error {
	name, value, _ := strings.Cut(tag, "::")
	if choices := tagChoices[name]; choices != nil {
		if name == "bootMode" {
			value = strings.ToUpper(value)
		}
		if !slices.Contains(choices, value) {
			return fail("SYS.1007", "系统标签[%s]的值无效，合法的值为%v", tag, choices)
		}
	}
	switch name {
	case "hostname":
		if !validHostname(value) {
			return fail("SYS.1007", "主机名[%s]不是合法的域名", value)
		}
	case "userdata":
		if _, err := base64.StdEncoding.DecodeString(value); err != nil {
			return fail("SYS.1000", "java.lang.IllegalArgumentException: Illegal base64 character: %v", err)
		}
	case "bootOrder":
		if !c.account.admin {
			return fail("SYS.1007", "只有管理员可以设置启动顺序")
		}
	case "staticIp":
		l3, ip, _ := strings.Cut(value, "::")
		return c.checkStaticIP(l3, ip)
	}
	return nil
}

func validHostname(name string) bool {
	if !hostnameRule.MatchString(name) || len(name) > 253 {
		return false
	}
	i := strings.LastIndexByte(name, '.')
	return i < 0 || slices.Contains(topLevels, strings.ToLower(name[i+1:]))
}

// checkStaticIP refuses an address that is taken. One outside of all ranges
// passes here and fails when it is allocated.
func (c *call) checkStaticIP(l3, ip string) error {
	if c.store.get("l3-networks", l3) == nil {
		return fail("SYS.1007", "L3网络[uuid:%s]不存在", l3)
	}
	if c.store.usedAddresses(l3)[ip] {
		return fail("SYS.1006", "IP[%s]在L3网络[uuid:%s]上已被占用", ip, l3)
	}
	return nil
}

// withPrefix returns what follows the prefix in each tag that has it.
func withPrefix(tags []string, prefix string) []string {
	var rest []string
	for _, tag := range tags {
		if value, ok := strings.CutPrefix(tag, prefix); ok {
			rest = append(rest, value)
		}
	}
	return rest
}

func unique(values []string) []string {
	var kept []string
	for _, value := range values {
		if !slices.Contains(kept, value) {
			kept = append(kept, value)
		}
	}
	return kept
}
