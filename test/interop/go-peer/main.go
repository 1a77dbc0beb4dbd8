// Command go-peer is a peer of golang/groupcache for the interop tests, and the source of the golden vectors.
//
//	go-peer serve -self http://127.0.0.1:8081 -listen 127.0.0.1:8081 -peers http://127.0.0.1:8081,http://127.0.0.1:3000
//	go-peer vectors -out test/vectors
//
// See README.md for the control API of serve and the files of vectors.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/golang/groupcache"
	"github.com/golang/groupcache/consistenthash"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("go-peer: ")
	if len(os.Args) < 2 {
		log.Fatal("usage: go-peer serve|vectors [flags]")
	}
	var err error
	switch command, args := os.Args[1], os.Args[2:]; command {
	case "serve":
		err = serve(args)
	case "vectors":
		err = vectors(args)
	default:
		err = fmt.Errorf("unknown command %q", command)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve runs one peer until stdin closes or SIGTERM arrives.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	self := flags.String("self", "", "URL of this peer as the others list it (default: the address it listens on)")
	listen := flags.String("listen", "127.0.0.1:0", "address to listen on; port 0 chooses one")
	peers := flags.String("peers", "", "comma-separated URLs of the ring (default: this peer alone)")
	basePath := flags.String("base-path", "/_groupcache/", "base path of the pool")
	replicas := flags.Int("replicas", 50, "points per peer on the ring")
	groupName := flags.String("group", "prices", "name of the group")
	cacheBytes := flags.Int64("cache-bytes", 64<<20, "budget of the group's caches; 0 caches nothing")
	useMux := flags.Bool("mux", false, "mount the pool on a http.ServeMux instead of directly")
	secret := flags.String("secret", "", "sign requests to peers with this secret")
	if err := flags.Parse(args); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if *self == "" {
		*self = "http://" + listener.Addr().String()
	}

	pool := groupcache.NewHTTPPoolOpts(*self, &groupcache.HTTPPoolOptions{BasePath: *basePath, Replicas: *replicas})
	if *secret != "" {
		// Before the first Set, which hands the field to the clients that it makes.
		transport := signingTransport([]byte(*secret), http.DefaultTransport)
		pool.Transport = func(context.Context) http.RoundTripper { return transport }
	}

	peer := &peer{pool: pool, replicas: *replicas, loads: map[string]int{}}
	peer.group = groupcache.NewGroup(*groupName, *cacheBytes, groupcache.GetterFunc(peer.load))
	if *peers == "" {
		peer.set([]string{*self})
	} else {
		peer.set(strings.Split(*peers, ","))
	}

	var handler http.Handler
	if *useMux {
		mux := http.NewServeMux()
		mux.Handle(*basePath, pool)
		mux.Handle("/ctl/", peer.control())
		handler = mux
	} else {
		handler = mountDirectly(*basePath, pool, peer.control())
	}

	go func() {
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		<-terminated
		os.Exit(0)
	}()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()

	fmt.Printf("{\"listening\":%q}\n", listener.Addr().String())
	return (&http.Server{Handler: handler}).Serve(listener)
}

// mountDirectly dispatches on the decoded path without a http.ServeMux, which would redirect "//", "." and "..".
func mountDirectly(basePath string, pool, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, basePath) {
			pool.ServeHTTP(w, r)
		} else {
			rest.ServeHTTP(w, r)
		}
	})
}

// peer is the pool and group of this process, and what the control API tells of them.
type peer struct {
	pool     *groupcache.HTTPPool
	group    *groupcache.Group
	replicas int

	mu    sync.Mutex // guards ring and loads
	ring  *consistenthash.Map
	loads map[string]int
}

// load is the group's getter. The value says nothing of who loaded it, so that a test can tell a right value from a
// wrong one wherever it came from. A key that begins with "fail:" has none.
func (p *peer) load(_ context.Context, key string, dest groupcache.Sink) error {
	p.mu.Lock()
	p.loads[key]++
	p.mu.Unlock()
	if strings.HasPrefix(key, "fail:") {
		return errors.New("no value for " + key)
	}
	return dest.SetString("value of " + key)
}

// set changes the peers of the pool, and of the ring beside it: the pool does not tell the URL of the peer it picks.
func (p *peer) set(peers []string) {
	ring := consistenthash.New(p.replicas, nil)
	ring.Add(peers...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring = ring
	p.pool.Set(peers...)
}

func (p *peer) ownerOf(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ring.Get(key)
}

func (p *peer) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ctl/get", func(w http.ResponseWriter, r *http.Request) {
		var value []byte
		if err := p.group.Get(r.Context(), r.FormValue("key"), groupcache.AllocatingByteSliceSink(&value)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(value)
	})
	mux.HandleFunc("/ctl/owner", func(w http.ResponseWriter, r *http.Request) {
		key := r.FormValue("key")
		_, remote := p.pool.PickPeer(key)
		answer(w, map[string]interface{}{"owner": p.ownerOf(key), "self": !remote})
	})
	mux.HandleFunc("/ctl/owners", func(w http.ResponseWriter, r *http.Request) {
		var keys []string
		if !accept(w, r, &keys) {
			return
		}
		owners := make([]string, len(keys))
		for i, key := range keys {
			owners[i] = p.ownerOf(key)
		}
		answer(w, owners)
	})
	mux.HandleFunc("/ctl/set", func(w http.ResponseWriter, r *http.Request) {
		var peers []string
		if !accept(w, r, &peers) {
			return
		}
		p.set(peers)
		answer(w, peers)
	})
	mux.HandleFunc("/ctl/loads", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		answer(w, p.loads)
	})
	mux.HandleFunc("/ctl/stats", func(w http.ResponseWriter, r *http.Request) {
		stats := &p.group.Stats
		answer(w, map[string]int64{
			"Gets":           stats.Gets.Get(),
			"CacheHits":      stats.CacheHits.Get(),
			"PeerLoads":      stats.PeerLoads.Get(),
			"PeerErrors":     stats.PeerErrors.Get(),
			"Loads":          stats.Loads.Get(),
			"LoadsDeduped":   stats.LoadsDeduped.Get(),
			"LocalLoads":     stats.LocalLoads.Get(),
			"LocalLoadErrs":  stats.LocalLoadErrs.Get(),
			"ServerRequests": stats.ServerRequests.Get(),
		})
	})
	return mux
}

// accept reads the JSON body of a POST, or answers what is wrong with it.
func accept(w http.ResponseWriter, r *http.Request, into interface{}) bool {
	if r.Method != http.MethodPost {
		http.Error(w, "POST a JSON array of strings", http.StatusMethodNotAllowed)
		return false
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, body interface{}) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body)
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// signingTransport signs each request with HMAC-SHA-256 under secret, for peers that answer only signed requests.
// It signs requests without a body, as HTTPPool's are.
//
//	pool := groupcache.NewHTTPPoolOpts(self, nil)
//	transport := signingTransport(secret, http.DefaultTransport)
//	pool.Transport = func(context.Context) http.RoundTripper { return transport }
//	pool.Set(peers...) // after Transport is set: Set copies it
func signingTransport(secret []byte, next http.RoundTripper) http.RoundTripper {
	return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
		nonce := base64.RawURLEncoding.EncodeToString(random)
		at := strconv.FormatInt(time.Now().UnixMilli(), 10)
		bodyDigest := sha256.Sum256(nil)

		mac := hmac.New(sha256.New, secret)
		io.WriteString(mac, strings.Join([]string{
			"groupcache-v1",
			r.Method,
			r.URL.Scheme + "://" + r.URL.Host,
			r.URL.RequestURI(), // as it goes on the wire: HTTPPool's escapes stay as they are
			hex.EncodeToString(bodyDigest[:]),
			at,
			nonce,
		}, "\n"))

		signed := r.Clone(r.Context()) // a RoundTripper may not change its request
		signed.Header.Set("x-groupcache-signed", "v1;"+at+";"+nonce)
		signed.Header.Set("x-groupcache-signature", base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
		return next.RoundTrip(signed)
	})
}
