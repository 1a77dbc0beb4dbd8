package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"unicode/utf8"

	"github.com/golang/groupcache"
	pb "github.com/golang/groupcache/groupcachepb"
)

type sentPath struct {
	Group  string `json:"group"`
	Key    string `json:"key"`
	Target string `json:"target"`
	// What Go's own server makes of that target.
	Served outcome `json:"served"`
}

type servedTarget struct {
	Method string  `json:"method,omitempty"`
	Target string  `json:"target"`
	Direct outcome `json:"direct"`
	Mux    outcome `json:"mux"`
}

// An outcome is the answer of a Go server, and the key that its getter was given if it was run.
type outcome struct {
	Status   int     `json:"status"`
	Location string  `json:"location,omitempty"`
	Group    *string `json:"group,omitempty"`
	Key      *string `json:"key,omitempty"`
	KeyHex   string  `json:"keyHex,omitempty"` // in place of key, where that is not UTF-8
}

// pathVectors asks Go's client for keys over a real socket and keeps the request targets that arrive,
// then asks Go's server for targets and keeps what its getter sees, mounted directly and on a http.ServeMux.
func pathVectors() (document, error) {
	var loaded outcome
	getter := func(group string) groupcache.Getter {
		return groupcache.GetterFunc(func(_ context.Context, key string, dest groupcache.Sink) error {
			loaded.Group = &group
			if utf8.ValidString(key) {
				loaded.Key = &key
			} else {
				loaded.KeyHex = hex.EncodeToString([]byte(key))
			}
			return dest.SetString("value of " + key)
		})
	}
	pool := groupcache.NewHTTPPoolOpts("http://self.invalid", nil)
	groups := []string{"prices", "a b", "a+b", "a%b", "a/b", "größe", "🦊", ".."}
	for _, group := range groups {
		groupcache.NewGroup(group, 0, getter(group)) // without a cache: each request runs the getter
	}

	var target string
	recorder := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { target = r.RequestURI }))
	defer recorder.Close()
	pool.Set(recorder.URL)
	client, _ := pool.PickPeer("")
	pool.Set() // from here on the pool loads by its own getter

	direct := httptest.NewServer(mountDirectly("/_groupcache/", pool, http.NotFoundHandler()))
	defer direct.Close()
	mux := http.NewServeMux()
	mux.Handle("/_groupcache/", pool)
	muxed := httptest.NewServer(mux)
	defer muxed.Close()
	ask := func(server *httptest.Server, method, target string) (outcome, error) {
		loaded = outcome{}
		status, location, err := askRaw(server.Listener.Addr().String(), method, target)
		loaded.Status, loaded.Location = status, location
		return loaded, err
	}

	var sent list
	send := func(group, key string) error {
		if err := client.Get(context.Background(), &pb.GetRequest{Group: &group, Key: &key}, &pb.GetResponse{}); err != nil {
			return err
		}
		if escaped := "/_groupcache/" + url.QueryEscape(group) + "/" + url.QueryEscape(key); target != escaped {
			return fmt.Errorf("sent %q, not %q", target, escaped)
		}
		path := target
		served, err := ask(direct, "GET", path)
		sent = append(sent, sentPath{group, key, path, served})
		return err
	}
	for _, key := range oddKeys {
		if err := send("prices", key); err != nil {
			return nil, err
		}
	}
	for _, group := range groups[1:] {
		if err := send(group, "a b"); err != nil {
			return nil, err
		}
	}

	var served list
	for _, request := range []struct{ method, target string }{
		{"GET", "/_groupcache/prices/"}, {"GET", "/_groupcache/prices"}, {"GET", "/_groupcache/"}, {"GET", "/_groupcache"},
		{"GET", "/_groupcache/other/a"},
		{"GET", "/_groupcache/prices/a+b"}, {"GET", "/_groupcache/prices/a%20b"}, {"GET", "/_groupcache/prices/a%2Bb"},
		{"GET", "/_groupcache/prices/a%25b"}, {"GET", "/_groupcache/prices/%2520"},
		{"GET", "/_groupcache/prices/a/b"}, {"GET", "/_groupcache/prices/a%2Fb"}, {"GET", "/_groupcache/prices%2Fa"},
		{"GET", "/_groupcache/prices/a//b"}, {"GET", "/_groupcache/prices/a%2F%2Fb"},
		{"GET", "/_groupcache/prices//a"}, {"GET", "/_groupcache/prices/%2Fa"}, {"GET", "/_groupcache/prices/%2F"},
		{"GET", "/_groupcache/prices/a/"}, {"GET", "/_groupcache/prices/a%2F"}, {"GET", "/_groupcache//prices/a"},
		{"GET", "/_groupcache/prices/."}, {"GET", "/_groupcache/prices/%2E"}, {"GET", "/_groupcache/prices/.."},
		{"GET", "/_groupcache/prices/%2E%2E"}, {"GET", "/_groupcache/prices/%2e%2e"}, {"GET", "/_groupcache/prices/..."},
		{"GET", "/_groupcache/prices/../x"}, {"GET", "/_groupcache/prices/..%2Fx"}, {"GET", "/_groupcache/prices/%2E%2E%2Fx"},
		{"GET", "/_groupcache/prices/a%2F..%2Fb"}, {"GET", "/_groupcache/prices/a%2F.%2Fb"},
		{"GET", "/_groupcache/prices/%F0%9F%A6%8A"}, {"GET", "/_groupcache/prices/🦊"}, {"GET", "/_groupcache/prices/%FF"},
		{"GET", "/_groupcache/prices/%00"}, {"GET", "/_groupcache/prices/a%0D%0Ab"}, {"GET", "/_groupcache/prices/%ED%A0%80"},
		{"GET", "/_groupcache/prices/%"}, {"GET", "/_groupcache/prices/%2"}, {"GET", "/_groupcache/prices/%zz"},
		{"GET", "/_groupcache/prices/a b"}, {"GET", "/_groupcache/prices/a?b"}, {"GET", "/_groupcache/prices/a%3Fb"},
		{"GET", "/_groupcache/prices/a#b"}, {"GET", "/_groupcache/prices/a%23b"}, {"GET", "/_groupcache/prices/!*'()"},
		{"GET", "/%5Fgroupcache/prices/a"}, {"GET", "http://self.invalid/_groupcache/prices/a"},
		{"GET", "/_groupcache/a%20b/a"}, {"GET", "/_groupcache/a%2Fb/a"}, {"GET", "/_groupcache/%2E%2E/a"},
		{"HEAD", "/_groupcache/prices/a"}, {"POST", "/_groupcache/prices/a"}, {"DELETE", "/_groupcache/prices/a"},
	} {
		onDirect, err := ask(direct, request.method, request.target)
		if err != nil {
			return nil, err
		}
		onMux, err := ask(muxed, request.method, request.target)
		if err != nil {
			return nil, err
		}
		method := request.method
		if method == "GET" {
			method = ""
		}
		served = append(served, servedTarget{method, request.target, onDirect, onMux})
	}

	return document{
		{"about", "sent: the request target that Go's client sends for a group and key (url.QueryEscape), and the group and key " +
			"that the getter of a Go server is given for it. served: what a Go server does with a target (method GET if not said), " +
			"its pool mounted directly and on a http.ServeMux. The getter was not run where no group is said."},
		{"go", runtime.Version()},
		{"groups", groups},
		{"sent", sent},
		{"served", served},
	}, nil
}

// askRaw writes the request target as it is, which net/http's client would not.
func askRaw(address, method, target string) (status int, location string, err error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return 0, "", err
	}
	defer connection.Close()
	fmt.Fprintf(connection, "%s %s HTTP/1.1\r\nHost: self.invalid\r\nConnection: close\r\n\r\n", method, target)
	request, _ := http.NewRequest(method, "/", nil)
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header.Get("Location"), err
}
