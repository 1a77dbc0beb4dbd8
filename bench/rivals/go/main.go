// Command go is a peer of golang/groupcache for the benchmarks: as plain as its documentation has it, or
// with more idle connections for its own good. Arguments: bytes of cache, idle connections. It is told what to do by lines of JSON on standard input; see harness/worker.mjs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/golang/groupcache"
)

type command struct {
	Name string
	Args []json.RawMessage
}

type load struct {
	Keys    []string
	Callers int
	Ms      float64
	Sink    string
}

var group *groupcache.Group

func main() {
	cacheBytes, _ := strconv.ParseInt(os.Args[1], 10, 64)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	self := "http://" + listener.Addr().String()
	pool := groupcache.NewHTTPPoolOpts(self, nil)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if idle, _ := strconv.Atoi(os.Args[2]); idle > 0 {
		transport.MaxIdleConns = 0
		transport.MaxIdleConnsPerHost = idle
	}
	pool.Transport = func(context.Context) http.RoundTripper { return transport }
	var loads int64
	group = groupcache.NewGroup("values", cacheBytes, groupcache.GetterFunc(
		func(_ context.Context, key string, dest groupcache.Sink) error {
			atomic.AddInt64(&loads, 1)
			return dest.SetString(valueOf(key))
		}))
	go http.Serve(listener, pool)

	answer(nil)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		switch c.Name {
		case "url":
			answer(self)
		case "set":
			urls := make([]string, len(c.Args))
			for i, arg := range c.Args {
				json.Unmarshal(arg, &urls[i])
			}
			pool.Set(urls...)
			answer(nil)
		case "owned":
			var keys []string
			json.Unmarshal(c.Args[0], &keys)
			owned := []string{}
			for _, key := range keys {
				if _, remote := pool.PickPeer(key); !remote {
					owned = append(owned, key)
				}
			}
			answer(owned)
		case "warm":
			var keys []string
			json.Unmarshal(c.Args[0], &keys)
			for _, key := range keys {
				var text string
				if err := group.Get(context.Background(), key, groupcache.StringSink(&text)); err != nil {
					panic(err)
				}
				if text != valueOf(key) {
					panic(key + " came back as " + text)
				}
			}
			answer(nil)
		case "drive":
			var l load
			json.Unmarshal(c.Args[0], &l)
			answer(drive(l))
		case "cpu":
			answer(cpuUs())
		case "stats":
			answer(map[string]int64{
				"gets":           group.Stats.Gets.Get(),
				"cacheHits":      group.Stats.CacheHits.Get(),
				"serverRequests": group.Stats.ServerRequests.Get(),
				"loadedHere":     atomic.LoadInt64(&loads),
			})
		}
	}
}

// drive has so many goroutines ask, each again as soon as it has been answered, as harness/drive.mjs does.
func drive(l load) map[string]float64 {
	var next, gets int64
	var over int32
	latencies := make([][]time.Duration, l.Callers)
	timer := time.AfterFunc(time.Duration(l.Ms*float64(time.Millisecond)), func() { atomic.StoreInt32(&over, 1) })
	defer timer.Stop()
	before, start := cpuUs(), time.Now()
	var callers sync.WaitGroup
	for caller := 0; caller < l.Callers; caller++ {
		callers.Add(1)
		go func(caller int) {
			defer callers.Done()
			var view groupcache.ByteView
			var text string
			sink := groupcache.ByteViewSink(&view)
			if l.Sink == "string" {
				sink = groupcache.StringSink(&text)
			}
			own := int64(0)
			for atomic.LoadInt32(&over) == 0 {
				key := l.Keys[int(atomic.AddInt64(&next, 1)-1)%len(l.Keys)]
				own++
				if l.Callers > 1 && own%8 != 0 {
					get(key, sink)
					continue
				}
				asked := time.Now()
				get(key, sink)
				latencies[caller] = append(latencies[caller], time.Since(asked))
			}
			atomic.AddInt64(&gets, own)
		}(caller)
	}
	callers.Wait()
	took := time.Since(start)
	var all []time.Duration
	for _, own := range latencies {
		all = append(all, own...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		index := int(float64(len(all)) * share)
		if index >= len(all) {
			index = len(all) - 1
		}
		return float64(all[index].Nanoseconds()) / 1e3
	}
	return map[string]float64{
		"gets": float64(gets), "rate": float64(gets) / took.Seconds(), "cpuUs": cpuUs() - before,
		"p50Us": at(0.5), "p99Us": at(0.99),
	}
}

func get(key string, sink groupcache.Sink) {
	if err := group.Get(context.Background(), key, sink); err != nil {
		panic(err)
	}
}

// valueOf is what harness/values.mjs has of texts.
func valueOf(key string) string {
	bytes, _ := strconv.Atoi(strings.Split(key, "-")[1])
	const filler = "value of the key "
	text := key + strings.Repeat(filler, (bytes-len(key))/len(filler)+1)
	return text[:bytes]
}

func cpuUs() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	us := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }
	return us(usage.Utime) + us(usage.Stime)
}

func answer(result interface{}) {
	line, err := json.Marshal(map[string]interface{}{"result": result})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
