// A client as controllers and operators are: client-go informers. For each line on standard input it prints the
// objects that its stores hold, as one line of JSON: {"v1/configmaps": {"default/name": "UID RESOURCE_VERSION"}}.
//
//	informer KUBECONFIG SERVER VERSION/RESOURCE...
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 3 {
		return fmt.Errorf("usage: informer KUBECONFIG SERVER VERSION/RESOURCE")
	}
	config, err := clientcmd.BuildConfigFromFlags("", arguments[0])
	if err != nil {
		return err
	}
	config.Host = arguments[1]
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	stores := map[string]cache.Store{}
	for _, name := range arguments[2:] {
		at := strings.LastIndex(name, "/")
		version, err := schema.ParseGroupVersion(name[:max(at, 0)])
		if err != nil {
			return err
		}
		informer, err := factory.ForResource(version.WithResource(name[at+1:]))
		if err != nil {
			return err
		}
		stores[name] = informer.Informer().GetStore()
	}
	factory.Start(context.Background().Done())
	factory.WaitForCacheSync(context.Background().Done())
	return answer(stores)
}

func answer(stores map[string]cache.Store) error {
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		held := map[string]map[string]string{}
		for name, store := range stores {
			objects := map[string]string{}
			for _, item := range store.List() {
				object, err := meta.Accessor(item)
				if err != nil {
					return err
				}
				key := object.GetNamespace() + "/" + object.GetName()
				objects[key] = string(object.GetUID()) + " " + object.GetResourceVersion()
			}
			held[name] = objects
		}
		if err := answers.Encode(held); err != nil {
			return err
		}
	}
	return lines.Err()
}
