function Say($Name, $Value) { if ($null -ne $Value -and "$Value" -ne '') { "{0}`t{1}`tfact" -f $Name, $Value } }
$invariant = [System.Globalization.CultureInfo]::InvariantCulture
function Gb($Bytes) { ([double]$Bytes / 1GB).ToString('0.0', $invariant) }
$os = Get-CimInstance Win32_OperatingSystem
$computer = Get-CimInstance Win32_ComputerSystem
Say 'os.family' 'windows'
Say 'os.name' $os.Caption
Say 'os.version' $os.Version
Say 'kernel' $os.Version
Say 'memory_gb' (Gb $computer.TotalPhysicalMemory)
Say 'cpus' $computer.NumberOfLogicalProcessors
Say 'manufacturer' $computer.Manufacturer
Say 'model' $computer.Model
Say 'serial' (Get-CimInstance Win32_BIOS).SerialNumber
if ($computer.PartOfDomain) { Say 'domain' $computer.Domain }
Say 'virtual' ("$($computer.Model)" -match 'Virtual|VMware|KVM|HVM').ToString().ToLowerInvariant()
$portable = (Get-CimInstance Win32_SystemEnclosure).ChassisTypes | Where-Object { $_ -in 8, 9, 10, 14, 30, 31, 32 }
$device = switch ($computer.DomainRole) {
  5 { 'primary_domain_controller' }
  4 { 'domain_controller' }
  { $_ -in 2, 3 } { 'server' }
  default { if ($portable) { 'portable' } else { 'workstation' } }
}
Say 'device' $device
$disk = Get-CimInstance Win32_LogicalDisk -Filter "DeviceID='$($env:SystemDrive)'"
Say 'disk_gb' (Gb $disk.Size)
Say 'disk_free_gb' (Gb $disk.FreeSpace)
