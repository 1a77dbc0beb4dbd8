// Command go is a peer of golang/groupcache for the benchmarks: as plain as its documentation has it, or
// with more idle connections for its own good. Arguments: bytes of cache, idle connections. It is told what to do by lines of JSON on standard input; see harness/worker.mjs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"net"
	"net/http"
	"os"
	"runtime"
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
	From    int64
	Callers int
	Ms      float64
	Sink    string
}

// zipfLoad is what prepareZipf is told: keys of a kind, and how they are drawn.
type zipfLoad struct {
	Seed     int64
	Kind     string
	Bytes    int
	Count    int
	Exponent float64
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

	// What driveZipf asks for, and the first that has not been asked for yet.
	var drawn []string
	var next int64

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
		case "prepareZipf":
			var z zipfLoad
			json.Unmarshal(c.Args[0], &z)
			drawn, next = drawZipf(z), 0
			answer(nil)
		case "warmZipf":
			var w struct{ Callers, Count int }
			json.Unmarshal(c.Args[0], &w)
			askAll(drawn[next:next+int64(w.Count)], w.Callers)
			next += int64(w.Count)
			answer(nil)
		case "driveZipf":
			var l load
			json.Unmarshal(c.Args[0], &l)
			l.Keys, l.From = drawn, next
			found := drive(l)
			next = (next + int64(found["gets"])) % int64(len(drawn))
			answer(found)
		case "fill":
			var f struct {
				Kind         string
				Bytes, Count int
			}
			json.Unmarshal(c.Args[0], &f)
			askAll(keysOf(f.Kind, f.Bytes, f.Count), 1)
			answer(nil)
		case "memory":
			runtime.GC()
			runtime.GC()
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			stats := group.CacheStats(groupcache.MainCache)
			answer(map[string]int64{
				"heapBytes": int64(memory.HeapAlloc), "bytes": stats.Bytes, "items": stats.Items,
			})
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
	next := l.From
	var gets int64
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

// drawZipf draws a million keys as harness/zipf.mjs does, of random numbers of Go's.
func drawZipf(z zipfLoad) []string {
	names := keysOf(z.Kind, z.Bytes, z.Count)
	sums := make([]float64, z.Count)
	sum := 0.0
	for rank := range sums {
		sum += 1 / math.Pow(float64(rank+1), z.Exponent)
		sums[rank] = sum
	}
	random := rand.New(rand.NewSource(z.Seed))
	keys := make([]string, 1000000)
	for i := range keys {
		keys[i] = names[sort.SearchFloat64s(sums, random.Float64()*sum)]
	}
	return keys
}

// keysOf is what harness/values.mjs has of that name.
func keysOf(kind string, bytes, count int) []string {
	keys := make([]string, count)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s-%d-%d", kind, bytes, i)
	}
	return keys
}

// askAll asks for each key once, so many at a time.
func askAll(keys []string, callers int) {
	next := int64(0)
	var all sync.WaitGroup
	for caller := 0; caller < callers; caller++ {
		all.Add(1)
		go func() {
			defer all.Done()
			var view groupcache.ByteView
			for i := atomic.AddInt64(&next, 1) - 1; int(i) < len(keys); i = atomic.AddInt64(&next, 1) - 1 {
				get(keys[i], groupcache.ByteViewSink(&view))
			}
		}()
	}
	all.Wait()
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
