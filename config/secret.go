package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a value that is looked up when it is needed and never printed: from the environment ({env: NAME}), from
// a file ({file: path}, a relative path from the folder of the site file), or written in the site file itself.
// The zero Secret is none.
type Secret struct {
	env, file, plain string
}

// PlainSecret is a secret whose value is at hand.
func PlainSecret(value string) Secret { return Secret{plain: value} }

// IsZero tells whether no secret was given.
func (s Secret) IsZero() bool { return s == Secret{} }

// Value looks the secret up. getenv is os.Getenv and readFile os.ReadFile, or what a test puts in their place. From a
// file, one line end at the end is dropped. The zero Secret has the empty value; a named variable or file that is
// missing or empty is an error that names it and never its content.
func (s Secret) Value(getenv func(string) string, readFile func(string) ([]byte, error)) (string, error) {
	switch {
	case s.env != "":
		v := getenv(s.env)
		if v == "" {
			return "", fmt.Errorf("the environment variable %s is not set", s.env)
		}
		return v, nil
	case s.file != "":
		data, err := readFile(s.file)
		if err != nil {
			return "", fmt.Errorf("secret file: %w", err)
		}
		v := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		if v == "" {
			return "", fmt.Errorf("secret file: %s is empty", s.file)
		}
		if strings.ContainsAny(v, "\r\n\x00") {
			return "", fmt.Errorf("secret file: %s holds more than one line", s.file)
		}
		return v, nil
	}
	return s.plain, nil
}

// Source says where the value comes from, for messages: "env PORCH_PASSWORD", "file /etc/x", "the site file", or
// nothing for the zero Secret.
func (s Secret) Source() string {
	switch {
	case s.env != "":
		return "env " + s.env
	case s.file != "":
		return "file " + s.file
	case s.plain != "":
		return "the site file"
	}
	return ""
}

const masked = "***"

// String never gives the value.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return masked
}

// GoString never gives the value.
func (s Secret) GoString() string { return s.String() }

// Format keeps every verb of fmt from showing the value.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(s.String()))
}

// MarshalText never gives the value; JSON and YAML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText refuses: a Secret comes from Parse or PlainSecret only.
func (s *Secret) UnmarshalText([]byte) error {
	return errors.New("a secret cannot be decoded")
}

// LogValue keeps slog from showing the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
