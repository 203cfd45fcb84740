package actions

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// User is whom programs are started as: a user with its own groups.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // the supplementary ones
}

// LookupUser finds a user by name or number (run_as of the site file), with its
// groups, in the machine's user database. It fails when there is no such user,
// or when this process may not start programs as that user: it then is neither
// root nor has CAP_SETUID, CAP_SETGID and CAP_KILL.
func LookupUser(name string) (*User, error) {
	found, err := user.Lookup(name)
	if err != nil {
		if _, bad := strconv.ParseUint(name, 10, 32); bad != nil {
			return nil, fmt.Errorf("run_as: there is no user %q", name)
		}
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("run_as: there is no user with the number %s", name)
		}
	}
	u := &User{Name: found.Username}
	for _, n := range []struct {
		text string
		to   *uint32
	}{{found.Uid, &u.UID}, {found.Gid, &u.GID}} {
		v, err := strconv.ParseUint(n.text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("run_as: the user %q has no number", name)
		}
		*n.to = uint32(v)
	}
	groups, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("run_as: the groups of the user %q cannot be found: %w", name, err)
	}
	for _, g := range groups {
		v, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("run_as: the user %q is in a group without a number", name)
		}
		u.Groups = append(u.Groups, uint32(v))
	}
	if err := mayBecome(u); err != nil {
		return nil, fmt.Errorf("run_as: programs cannot be started as %q: %w", u.Name, err)
	}
	return u, nil
}

// isSelf says whether this process is that user already.
func isSelf(u *User) bool { return os.Geteuid() != 0 && os.Geteuid() == int(u.UID) }
