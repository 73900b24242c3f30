// Sends numbers with InfluxDB's client for Go while the service comes and goes, and prints which ones it gave up.
//
// Arguments: address, token, count.
package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"
)

const attemptsAtMost = 200

func main() {
	url, token := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	options := influxdb2.DefaultOptions().
		SetBatchSize(100).SetFlushInterval(100).SetUseGZip(true).SetPrecision(time.Second).SetLogLevel(0).
		SetRetryInterval(200).SetMaxRetryInterval(1000).SetMaxRetryTime(120_000).SetMaxRetries(attemptsAtMost)
	client := influxdb2.NewClientWithOptions(url, token, options)
	if there, err := client.Ping(context.Background()); !there {
		panic(err)
	}
	lost := []float64{}
	number := regexp.MustCompile(`number=(\d+)`)
	api := client.WriteAPI("any", "any")
	api.SetWriteFailedCallback(func(batch string, _ http.Error, attempts uint) bool {
		if attempts < attemptsAtMost {
			return true
		}
		for _, found := range number.FindAllStringSubmatch(batch, -1) {
			own, _ := strconv.ParseFloat(found[1], 64)
			lost = append(lost, own)
		}
		return false
	})
	for own := range count {
		tags, fields := map[string]string{"language": "go"}, map[string]any{"number": float64(own)}
		api.WritePoint(write.NewPoint("client", tags, fields, time.Unix(1605179400+int64(own), 0)))
		time.Sleep(3 * time.Millisecond)
	}
	// What waits to be sent again is sent once more, and given up without a word where nobody is there.
	for there := false; !there; time.Sleep(100 * time.Millisecond) {
		there, _ = client.Ping(context.Background())
	}
	api.Flush()
	client.Close()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"lost": lost}); err != nil {
		panic(err)
	}
}
