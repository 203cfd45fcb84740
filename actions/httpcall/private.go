package httpcall

import (
	"fmt"
	"net/netip"
	"syscall"
)

// privateError refuses an address. Nothing was sent to it.
type privateError struct {
	addr netip.Addr
	what string
}

func (e *privateError) Error() string {
	return fmt.Sprintf("%s is %s, which deny_private of the site file forbids", e.addr, e.what)
}

// denyPrivate is asked before each connection is made, with the address that a
// name was resolved to, so that no name can lead somewhere else than it was
// looked at.
func denyPrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &privateError{what: fmt.Sprintf("%q, not an address,", address)}
	}
	if what := private(at.Addr().WithZone("")); what != "" {
		return &privateError{at.Addr(), what}
	}
	return nil
}

// private says what an address is that is not of the public network; empty for
// one that is. An IPv4 address inside of an IPv6 one counts as itself.
func private(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "an unspecified address"
	case a.IsLoopback():
		return "a loopback address"
	}
	if in, ok := inner(a); ok {
		if what := private(in); what != "" {
			return what
		}
	}
	switch {
	case a.IsPrivate():
		return "a private address"
	case a.IsLinkLocalUnicast():
		return "a link-local address"
	case a.IsMulticast():
		return "a multicast address"
	}
	for _, n := range [...]struct{ prefix, what string }{
		{"100.64.0.0/10", "a shared address (CGNAT)"},
		{"0.0.0.0/8", "a reserved address"},
		{"192.0.0.0/24", "a reserved address"},
		{"198.18.0.0/15", "a reserved address"},
		{"240.0.0.0/4", "a reserved address"},
		{"fec0::/10", "a site-local address"},
		{"64:ff9b:1::/48", "a private address (local NAT64)"},
		{"100::/64", "a reserved address"},
	} {
		if netip.MustParsePrefix(n.prefix).Contains(a) {
			return n.what
		}
	}
	return ""
}

// inner is the IPv4 address that an IPv6 address stands for or leads to.
func inner(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return a, false
	}
	b := a.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	in := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(a) }
	switch {
	case a.Is4In6():
		return a.Unmap(), true
	case in("2002::/16"): // 6to4
		return at(2), true
	case in("64:ff9b::/96"), // NAT64
		in("::ffff:0:0:0/96"), // SIIT
		in("::/96"):           // IPv4-compatible
		return at(12), true
	case in("2001::/32"): // Teredo: the client's, inverted
		for i := 12; i < 16; i++ {
			b[i] = ^b[i]
		}
		return at(12), true
	}
	return a, false
}
