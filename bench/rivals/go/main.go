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
	Key     string
	Keys    []string
	From    int64
	Callers int
	Ms      float64
	Sink    string
	AtMs    float64
	Others  []string
	Every   int
	Rate    float64
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
			time.Sleep(loadTime(key))
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
		case "spin":
			var l load
			json.Unmarshal(c.Args[0], &l)
			answer(spin(l))
		case "stampede":
			var l load
			json.Unmarshal(c.Args[0], &l)
			answer(stampede(l))
		case "pace":
			var l load
			json.Unmarshal(c.Args[0], &l)
			answer(pace(l))
		case "loads":
			answer(atomic.LoadInt64(&loads))
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
			sink := sinkOf(l)
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
	at := percentiles(all)
	return map[string]float64{
		"gets": float64(gets), "rate": float64(gets) / took.Seconds(), "cpuUs": cpuUs() - before,
		"p50Us": at(0.5), "p99Us": at(0.99),
	}
}

// percentiles gives microseconds at a share of all.
func percentiles(all []time.Duration) func(share float64) float64 {
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		index := int(float64(len(all)) * share)
		if index >= len(all) {
			index = len(all) - 1
		}
		return float64(all[index].Nanoseconds()) / 1e3
	}
}

// stampede has so many goroutines ask for one key at one moment of the epoch, as harness/drive.mjs does.
func stampede(l load) []int64 {
	at := time.Unix(0, int64(l.AtMs*1e6))
	time.Sleep(time.Until(at))
	waits := make([]int64, l.Callers)
	right := valueOf(l.Key)
	var callers sync.WaitGroup
	for caller := range waits {
		callers.Add(1)
		go func(caller int) {
			defer callers.Done()
			var text string
			get(l.Key, groupcache.StringSink(&text))
			waits[caller] = time.Since(at).Microseconds()
			if text != right {
				panic(l.Key + " came back as " + text)
			}
		}(caller)
	}
	callers.Wait()
	return waits
}

// pace asks at a fixed rate, as harness/drive.mjs does.
func pace(l load) map[string]float64 {
	const tick = 5 * time.Millisecond
	if l.Every == 0 {
		l.Every = 100
	}
	var mutex sync.Mutex
	var all []time.Duration
	var callers sync.WaitGroup
	gets := 0
	before, start := cpuUs(), time.Now()
	end := start.Add(time.Duration(l.Ms * float64(time.Millisecond)))
	for intended := start; intended.Before(end); intended = intended.Add(tick) {
		time.Sleep(time.Until(intended))
		for until := (intended.Sub(start) + tick).Seconds() * l.Rate; float64(gets) < until; gets++ {
			isOther := gets%l.Every == 0
			key := l.Keys[gets%len(l.Keys)]
			if isOther && gets/l.Every < len(l.Others) {
				key = l.Others[gets/l.Every]
			}
			callers.Add(1)
			go func(intended time.Time) {
				defer callers.Done()
				var text string
				get(key, groupcache.StringSink(&text))
				took := time.Since(intended)
				if text != valueOf(key) {
					panic(key + " came back as " + text)
				}
				if !isOther {
					mutex.Lock()
					all = append(all, took)
					mutex.Unlock()
				}
			}(intended)
		}
	}
	callers.Wait()
	at := percentiles(all)
	return map[string]float64{
		"gets": float64(gets), "cpuUs": cpuUs() - before, "p50Us": at(0.5), "p99Us": at(0.99), "maxUs": at(1),
	}
}

// spin has one goroutine ask and looks at the clock between 1,000 gets only, as harness/drive.mjs does.
func spin(l load) map[string]float64 {
	sink := sinkOf(l)
	limit := time.Duration(l.Ms * float64(time.Millisecond))
	next, gets := 0, 0
	before, start := cpuUs(), time.Now()
	for time.Since(start) < limit {
		for i := 0; i < 1000; i++ {
			get(l.Keys[next], sink)
			if next++; next == len(l.Keys) {
				next = 0
			}
		}
		gets += 1000
	}
	took := time.Since(start)
	return map[string]float64{
		"gets": float64(gets), "nsPerGet": float64(took.Nanoseconds()) / float64(gets),
		"cpuNsPerGet": (cpuUs() - before) * 1e3 / float64(gets),
	}
}

// sinkOf is a view of the value held, or with "string" a text of one's own.
func sinkOf(l load) groupcache.Sink {
	if l.Sink == "string" {
		return groupcache.StringSink(new(string))
	}
	return groupcache.ByteViewSink(new(groupcache.ByteView))
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

// loadTime is what harness/values.mjs has of slow loads: "slow200-100-7" takes 200 ms.
func loadTime(key string) time.Duration {
	if !strings.HasPrefix(key, "slow") {
		return 0
	}
	ms, _ := strconv.Atoi(strings.Split(key, "-")[0][len("slow"):])
	return time.Duration(ms) * time.Millisecond
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
