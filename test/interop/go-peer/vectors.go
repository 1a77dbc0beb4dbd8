package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// vectors writes what Go's groupcache computes, sends and serves. The same Go writes the same bytes each time.
func vectors(args []string) error {
	flags := flag.NewFlagSet("vectors", flag.ExitOnError)
	out := flags.String("out", "", "folder to write to (default: stdout)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ring, err := ringVectors()
	if err != nil {
		return err
	}
	responses, err := responseVectors()
	if err != nil {
		return err
	}
	paths, err := pathVectors()
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name    string
		content document
	}{{"go-ring.json", ring}, {"go-responses.json", responses}, {"go-paths.json", paths}} {
		text := file.content.json()
		if *out == "" {
			fmt.Printf("%s\n", text)
		} else if err := os.WriteFile(filepath.Join(*out, file.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A document is a JSON object in the order of its fields, with one element of a list a line.
type document []field

type field struct {
	name  string
	value interface{}
}

type list []interface{}

func (d document) json() []byte {
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, f := range d {
		fmt.Fprintf(&b, "  %s: ", line(f.name))
		if elements, ok := f.value.(list); ok {
			b.WriteString("[\n")
			for j, element := range elements {
				fmt.Fprintf(&b, "    %s%s\n", line(element), comma(j, len(elements)))
			}
			b.WriteString("  ]")
		} else {
			b.WriteString(line(f.value))
		}
		b.WriteString(comma(i, len(d)) + "\n")
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func comma(i, length int) string {
	if i == length-1 {
		return ""
	}
	return ","
}

func line(value interface{}) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// oddKeys are what keys are in practice and what a path or a URL parser does something to.
var oddKeys = []string{
	"", " ", "a", "a b", " a ", "a+b", "+", "a%b", "%", "%20", "%2B", "%2e%2e", "a/b", "/", "//", "a//b", "/a", "a/",
	".", "..", "../x", "a/../b", "a/./b", "./a", "...", "a?b", "a#b", "a&b=c;d", "a:b@c", "~-_.", "!*'()$,[]", "\"<>\\^`{|}",
	"a\tb\r\nc\x00d", "é", "e\u0301", "日本語のキー", "🦊", "👩‍👩‍👧‍👦 x", "\ufeffbom", "\u2028", "constructor", "__proto__",
	strings.Repeat("long/key ", 228)[:2048], strings.Repeat("🦊", 512),
}
