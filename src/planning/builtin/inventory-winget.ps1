# What winget lists as installed. It lists what the registry's uninstall keys say, and its own table is cut to the
# width of the console, so the keys are read instead.
$keys = 'HKLM:\Software\Microsoft\Windows\CurrentVersion\Uninstall\*',
        'HKLM:\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*'
Get-ItemProperty $keys -ErrorAction SilentlyContinue |
    Where-Object { $_.DisplayName -and $_.DisplayVersion } |
    ForEach-Object { "$($_.DisplayName)`t$($_.DisplayVersion)`twinget" }
